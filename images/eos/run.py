"""Entry of the module eos: ``./input`` to ``./output``."""

from __future__ import annotations

import sys

from _stars.entry import main
from eos.solve import run

if __name__ == "__main__":
    sys.exit(main(run))
