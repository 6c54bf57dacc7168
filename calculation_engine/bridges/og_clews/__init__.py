"""CLEWS (an OSeMOSYS model) and OG-Core: energy cost one way, demand for energy the other."""
