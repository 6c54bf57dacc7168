"""Bridges: what turns one model's results into the other's inputs. One folder a pair of models, found by scanning."""
