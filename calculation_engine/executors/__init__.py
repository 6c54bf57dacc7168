"""Where a step runs: one file a place."""
