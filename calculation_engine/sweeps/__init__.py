"""Sweeps: the table of values that a component is run over, what a row of it runs, and which row starts from which."""
