"""Says why: why a step was computed or reused, what it waits for, how two jobs differ, what made a result."""
