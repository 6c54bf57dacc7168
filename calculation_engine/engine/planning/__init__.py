"""Carries jobs on: which steps are ready now, in chains, groups, sweeps and loops."""
