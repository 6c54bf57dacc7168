"""The engine at work: claims steps, sees each through its attempts, and leaves nothing behind."""
