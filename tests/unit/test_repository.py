"""The repository's own promises: versions agree, requirements are pinned, the base install needs no server."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

import calculation_engine

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(level: str) -> dict[str, str]:
    """Return name and version of each line of requirements/``level``.txt."""
    text = (ROOT / "requirements" / f"{level}.txt").read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\n]+)", text, re.MULTILINE))


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=~! ;]", requirement, maxsplit=1)[0]


def test_citation_names_the_version_and_licence_of_the_package() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == calculation_engine.__version__
    assert citation["license"] == PYPROJECT["project"]["license"]


@pytest.mark.parametrize(("smaller", "larger"), [("client", "server"), ("server", "dev")])
def test_each_level_of_requirements_contains_the_one_before(smaller: str, larger: str) -> None:
    assert pins(smaller)
    assert pins(smaller).items() <= pins(larger).items()


def test_every_declared_dependency_is_pinned() -> None:
    project, groups = PYPROJECT["project"], PYPROJECT["dependency-groups"]
    assert {name_of(line) for line in project["dependencies"]} <= set(pins("client"))
    assert {name_of(line) for line in project["optional-dependencies"]["server"]} <= set(pins("server"))
    assert {name_of(line) for line in groups["dev"]} <= set(pins("dev"))


@pytest.mark.parametrize("module", ["calculation_engine.client", "calculation_engine.cli.main"])
def test_base_install_imports_without_the_server_s_libraries(module: str) -> None:
    base = set(pins("client"))
    banned = sorted(
        name
        for name, owners in packages_distributions().items()
        if not base & {owner.lower().replace("_", "-") for owner in owners} and name != "calculation_engine"
    )
    program = f"import sys; sys.modules.update(dict.fromkeys({banned!r})); import {module}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_scripts_are_executable_and_bash_can_read_them() -> None:
    scripts = [path for folder in ("scripts", ".ci") for path in (ROOT / folder).iterdir() if path.is_file()]
    shell = [path for path in scripts if "bash" in path.read_text().split("\n", 1)[0]]
    for script in shell:
        subprocess.run(["bash", "-n", script], check=True, timeout=10)
        is_sourced = not script.read_text().startswith("#!")
        assert is_sourced or script.stat().st_mode & 0o111, f"{script} is not executable"
