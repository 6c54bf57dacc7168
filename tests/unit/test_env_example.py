"""``.env.example`` has every setting of the compose project and of the server, each with its default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from calculation_engine.executors.registry import executor_names, make_executor
from calculation_engine.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
EXAMPLE = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
COMPOSE = [ROOT / "docker-compose.yaml", *(ROOT / "compose").glob("*.yaml")]
ENVIRONMENT = yaml.safe_load(COMPOSE[0].read_text())["services"]["ce"]["environment"]


def test_every_variable_of_the_compose_files_is_there_with_its_default() -> None:
    used = {pair for file in COMPOSE for pair in re.findall(r"(?<!\$)\$\{([A-Z_]+):?-?([^}]*)\}", file.read_text())}
    assert used
    for name, default in used:
        assert name in EXAMPLE
        assert default in {"", EXAMPLE[name]}


def test_every_setting_of_the_server_is_there_or_set_by_the_compose_file() -> None:
    settings = {f"CE_{name.upper()}" for name in Settings.model_fields} - {"CE_EXECUTORS"}
    assert settings <= EXAMPLE.keys() | ENVIRONMENT.keys()


def test_the_server_takes_every_line_as_it_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in EXAMPLE.items():
        if name.startswith("CE_") and value:
            monkeypatch.setenv(name, value)
    settings = load_settings({"data_dir": tmp_path})
    plain = Settings.model_construct()
    assert settings.upload_limit == plain.upload_limit
    assert settings.attempts == plain.attempts
    for name in executor_names():
        options = make_executor(name, settings.executors.get(name, {}), tmp_path)
        assert options.options == make_executor(name, {}, tmp_path).options
        options.close()


def test_no_password_or_token_is_in_it_or_in_the_compose_files() -> None:
    assert not [name for name, value in EXAMPLE.items() if re.search("TOKEN|PASSWORD|SECRET", name) and value]
    for file in COMPOSE:
        assert not re.findall(r"PASSWORD:|password: *\S", file.read_text())
