"""A step before it runs: its spec, its key, its files and what it asks for."""
