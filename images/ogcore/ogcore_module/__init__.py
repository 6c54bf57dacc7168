"""OG-Core as a module.

The package has a name of its own, for ``import ogcore`` is OG-Core; it is found beside ``run.py``, which is how it is
always started.
"""
