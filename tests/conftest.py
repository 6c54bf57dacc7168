"""What every test may ask for: engines that a machine may lack, and a fresh database on a real MariaDB.

``@pytest.mark.needs("docker")`` on a test, or ``marks=`` of a parameter, or ``needs("docker")`` inside a fixture, skips
the test where the engine is missing and says what is missing. With ``CE_TEST_REQUIRE=all`` (or a list of engines:
``docker,mariadb``) a missing engine fails the test instead; with ``all`` so does every other skip.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator
from functools import cache
from uuid import uuid4

import docker
import hypothesis
import pytest
import sqlalchemy

REQUIRED = frozenset(os.environ.get("CE_TEST_REQUIRE", "").replace(",", " ").split())

hypothesis.settings.register_profile("here", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", parent=hypothesis.settings.get_profile("here"), derandomize=True)
hypothesis.settings.load_profile("ci" if "CI" in os.environ else "here")


def _docker() -> str | None:
    try:
        client = docker.from_env(timeout=10)
    except docker.errors.DockerException as error:
        return f"no Docker engine answers ({error}); start one, or set DOCKER_HOST"
    client.close()
    return None


def _compose() -> str | None:
    try:
        subprocess.run(["docker", "compose", "version"], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError) as error:
        return f"no Docker Compose ({error}); install the plugin, version 2.24 or later"
    return _docker()


def _mariadb() -> str | None:
    url = os.environ.get("CE_TEST_MARIADB")
    if not url:
        return "CE_TEST_MARIADB is not set: give the SQLAlchemy URL of a MariaDB on which tests may create databases"
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, connect_args={"connect_timeout": 10})
    try:
        engine.connect().close()
    except sqlalchemy.exc.SQLAlchemyError as error:
        return f"no MariaDB answers at CE_TEST_MARIADB ({error})"
    return None


def _chromium() -> str | None:
    return None if find_chromium() else "no chromium on the PATH; install Debian's `chromium`, or Chrome"


def _bubblewrap() -> str | None:
    command = ["bwrap", "--ro-bind", "/", "/", "--unshare-all", "true"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError) as error:
        return f"bubblewrap does not work here ({error}); install it, and allow user namespaces"
    return None


ENGINES: dict[str, Callable[[], str | None]] = {
    "bubblewrap": _bubblewrap,
    "chromium": _chromium,
    "compose": _compose,
    "docker": _docker,
    "mariadb": _mariadb,
}


@cache
def missing(engine: str) -> str | None:
    """Return what is missing for ``engine`` to be used here, or None."""
    return ENGINES[engine]()


@cache
def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def require(*engines: str) -> None:
    """Go on where all ``engines`` are there; else skip, or fail where they are required."""
    for engine in engines:
        sentence = missing(engine)
        if sentence is None:
            continue
        if REQUIRED & {"all", engine}:
            pytest.fail(f"{engine} is required: {sentence}", pytrace=False)
        pytest.skip(f"{engine}: {sentence}")


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith("CE_") and not name.startswith("CE_TEST_")]:
        del os.environ[name]  # a user's own settings do not reach the tests
    config.addinivalue_line("markers", f"needs(engine, ...): what the test uses for real; one of {', '.join(ENGINES)}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        require(*marker.args)


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if "all" in REQUIRED and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but nothing may be skipped with CE_TEST_REQUIRE=all: {report.longreprtext}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.fixture(scope="session")
def needs() -> Callable[..., None]:
    """``needs("docker", ...)``: the marker of the same name, for fixtures that learn late what they use."""
    return require


@pytest.fixture
def chromium_path() -> str:
    """Path of a real browser."""
    require("chromium")
    return find_chromium() or ""


@pytest.fixture
def mariadb_url() -> Iterator[str]:
    """SQLAlchemy URL of a new, empty database on a real MariaDB; dropped at the end."""
    yield from _mariadb_database()


@pytest.fixture
def other_mariadb_url() -> Iterator[str]:
    """As ``mariadb_url``: a second database."""
    yield from _mariadb_database()


def _mariadb_database() -> Iterator[str]:
    require("mariadb")
    server = sqlalchemy.make_url(os.environ["CE_TEST_MARIADB"])
    name = f"ce_test_{uuid4().hex}"
    engine = sqlalchemy.create_engine(server, poolclass=sqlalchemy.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}")
