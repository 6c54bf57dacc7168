"""Entry of the module ogcore: ``./input`` to ``./output``."""

from __future__ import annotations

import sys

from ogcore_module.main import main

if __name__ == "__main__":
    sys.exit(main())
