"""A real server with modules of these tests' own, and a real browser that opens its page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

PROGRAMS = Path(__file__).parents[1] / "programs"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LIMIT_MS = 45_000
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'

#: Writes results that would run a script in a browser that took them for markup.
MODULE = """
name: hostile
version: "1.0.0"
title: '<img src=x onerror="window.hacked=1">'
description: '<script>window.hacked=1</script>'
licence: Apache-2.0
source: tests of the page
command: [sh, "{module}/run.sh"]
image: {repository: calculation-engine/hostile, tag: "1.0.0"}
outputs:
- {label: page, path: report.html, media_type: text/html}
- {label: table, path: table.csv, media_type: text/csv}
- {label: tree, path: tree.json, media_type: application/json}
default_run: true
config_schema: {type: object}
resources: {memory: 256MiB, disk: 64MiB, log: 16MiB, time_limit: 10min}
"""
SCRIPT = f"""
echo '{HOSTILE}'
printf '<p id=said>a report</p><style>p {{ color: rgb(1, 2, 3) }}</style>{HOSTILE}' > output/report.html
printf 'YEAR,TECHNOLOGY,VALUE\\n' > output/table.csv
for year in $(seq 2000 2060); do printf "$year,{HOSTILE.replace('"', "")},$year.5\\n"; done >> output/table.csv
printf '{{"{HOSTILE.replace('"', "'").replace("'", "")}": [1, 2]}}' > output/tree.json
printf 'code: 200\\nmessage: "{HOSTILE.replace('"', "")}"\\n' > output/status.yaml
"""


@pytest.fixture(scope="session")
def module_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a module whose results are hostile."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "hostile").mkdir()
    (folder / "hostile" / "module.yaml").write_text(MODULE)
    (folder / "hostile" / "run.sh").write_text(SCRIPT)
    return folder


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory, module_folder: Path) -> Iterator[Callable[..., str]]:
    """Return a function that starts a server with settings, and returns its address."""
    processes: list[subprocess.Popen[str]] = []

    def start(**settings: str) -> str:
        env = {name: value for name, value in os.environ.items() if not name.startswith("CE_")}
        paths = f"{PROGRAMS}{os.pathsep}{module_folder}"
        env |= {"CE_MODULE_PATH": paths, "CE_DATA_DIR": str(tmp_path_factory.mktemp("data")), **settings}
        line = [sys.executable, "-m", "calculation_engine", "serve", "--port", "0"]
        process = subprocess.Popen(line, env=env, text=True, stdout=subprocess.PIPE)
        processes.append(process)
        assert process.stdout is not None
        return next(text for text in process.stdout if "serving at" in text).split()[-1]

    yield start
    for process in processes:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="session")
def server(start_server: Callable[..., str]) -> str:
    """Return the address of a server for one person."""
    return start_server()


@pytest.fixture(scope="session")
def http(server: str) -> Iterator[httpx2.Client]:
    """Return a client that is not the page."""
    with httpx2.Client(base_url=server, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def browser(needs: Callable[..., None]) -> Iterator[Browser]:
    """Return a real browser."""
    needs("chromium")
    from tests.conftest import find_chromium

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a tab in which no error and no breach of the page's own policy may happen."""
    context = browser.new_context(accept_downloads=True)
    tab = context.new_page()
    tab.set_default_timeout(LIMIT_MS)
    expect.set_options(timeout=LIMIT_MS)
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    tab.expected = []  # type: ignore[attr-defined]
    yield tab
    expected: list[str] = tab.expected  # type: ignore[attr-defined]
    context.close()
    assert [error for error in errors if not any(word in error for word in expected)] == []


@pytest.fixture
def run(http: httpx2.Client) -> Callable[..., str]:
    """Return a function that stores a job and returns its id."""

    def put(document: dict[str, Any]) -> str:
        reply = http.put("/api/job", json=document)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    return put
