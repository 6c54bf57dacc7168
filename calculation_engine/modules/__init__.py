"""Modules: the folders below ``images/``, what they promise, and whether inputs and outputs keep it."""
