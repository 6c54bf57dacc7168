"""Couples any modules that read and write the exchange table themselves: names of inputs and outputs, no physics."""
