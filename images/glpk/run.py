"""Entry of the module glpk: ``./input`` to ``./output``."""

from __future__ import annotations

import sys

from _lp.main import main
from glpk.solver import solve

if __name__ == "__main__":
    sys.exit(main(solve))
