"""Where an engine is missing, ``needs`` skips on a user's machine and fails where the engine is required."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "conftest.py"
MARKED = 'import pytest\n@pytest.mark.needs("mariadb")\ndef test_marked(): pass\n'
FIXTURE = "def test_fixture(mariadb_url): pass\n"
PLAIN_SKIP = "import pytest\ndef test_plain(): pytest.skip('because')\n"
XFAIL = "import pytest\n@pytest.mark.xfail\ndef test_known(): assert False\n"
NO_MODULE = "import pytest\npytest.importorskip('there_is_no_such_module')\n"


def outcome(folder: Path, source: str, **environment: str) -> str:
    """Return pytest's closing line for ``source`` on a machine without MariaDB."""
    shutil.copy(CONFTEST, folder)
    (folder / "test_it.py").write_text(source)
    inherited: dict[str, str] = {name: value for name, value in os.environ.items() if not name.startswith("CE_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    done = subprocess.run(
        command, env=inherited | environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return str(done.stdout).splitlines()[-1]


def test_missing_engine_skips_by_marker_and_by_fixture(tmp_path: Path) -> None:
    assert "2 skipped" in outcome(tmp_path, MARKED + FIXTURE)


def test_missing_engine_fails_where_it_is_required(tmp_path: Path) -> None:
    assert "1 error" in outcome(tmp_path, MARKED, CE_TEST_REQUIRE="docker,mariadb")


def test_missing_engine_still_skips_where_another_is_required(tmp_path: Path) -> None:
    assert "1 skipped" in outcome(tmp_path, MARKED, CE_TEST_REQUIRE="docker")


def test_nothing_may_be_skipped_where_all_is_required(tmp_path: Path) -> None:
    assert "1 failed" in outcome(tmp_path, PLAIN_SKIP, CE_TEST_REQUIRE="all")
    assert "1 error" in outcome(tmp_path, NO_MODULE, CE_TEST_REQUIRE="all")


def test_known_failure_is_no_skip(tmp_path: Path) -> None:
    assert "1 xfailed" in outcome(tmp_path, XFAIL, CE_TEST_REQUIRE="all")
