"""``python -m calculation_engine``: the command line."""

from calculation_engine.cli.main import main

if __name__ == "__main__":
    main()
