"""Runs containerised scientific models: alone, chained, or coupled until they agree."""

__version__ = "0.1.0"
