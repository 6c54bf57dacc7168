"""What the documentation tells people to type is typed here, in order, and has to work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: Blocks of these languages are shown, not run.
SHOWN = {"text", "toml", "sql", "json", "yaml", "dockerfile", "csv", ""}


@dataclass(frozen=True)
class Block:
    """A fenced block: ``bash server`` is run while a server answers, ``yaml NAME`` is written to that file."""

    language: str
    word: str
    code: str


def blocks(page: Path) -> list[Block]:
    found = re.findall(r"^```(\w*) *(\S*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [Block(*parts) for parts in found]


def runnable(page: Path) -> bool:
    return any(block.language in {"bash", "python"} for block in blocks(page))


@contextmanager
def server(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    command = [sys.executable, "-m", "calculation_engine", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield line.split()[-1]
        finally:
            process.terminate()


def run(block: Block, folder: Path, environment: dict[str, str], address: str) -> None:
    code = block.code.replace("localhost:8081", address.removeprefix("http://"))
    if block.language == "bash":
        # The demo and the tests are run by themselves, not from here.
        lines = [line for line in code.splitlines() if not line.startswith("./scripts/")]
        command = ["bash", "-euo", "pipefail", "-c", "\n".join(lines)]
    else:
        command = [sys.executable, "-c", code.replace("Client()", f"Client({address!r})")]
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, f"{block.code}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}"


def newest_job(address: str) -> str:
    return str(httpx2.get(f"{address}/api/job").raise_for_status().json()["jobs"][0]["id"])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page)], ids=lambda page: page.stem)
def test_what_the_page_tells_to_type_works(tmp_path: Path, page: Path) -> None:
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("images", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CE_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["CE_DATA_DIR"] = str(tmp_path / "data")
    found = blocks(page)
    for block in found:
        if block.language == "yaml" and block.word:
            (folder / block.word).write_text(block.code)
    with server(folder, environment) as address:
        for block in found:
            if block.language not in SHOWN:
                assert block.language in {"bash", "python"}, f"say whether {block.language} is run or shown"
                run_in_order(block, folder, environment, address)


def run_in_order(block: Block, folder: Path, environment: dict[str, str], address: str) -> None:
    """Run a block; in one that speaks to the server, the first job's id is known from its second line on."""
    if block.word != "server":
        run(block, folder, environment, address)
        return
    first, rest = re.split(r"\n(?=curl localhost)", block.code, maxsplit=1)
    run(Block("bash", "", first), folder, environment, address)
    environment["ID"] = newest_job(address)
    run(Block("bash", "", rest), folder, environment, address)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []
