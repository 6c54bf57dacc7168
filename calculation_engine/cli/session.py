"""Where a command finds its jobs: on a server that was named, or in this machine's data folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from calculation_engine.errors import InvalidInput, pydantic_faults

if TYPE_CHECKING:
    from calculation_engine.client import Client
    from calculation_engine.settings import Settings


@contextmanager
def server_part() -> Iterator[None]:
    """Turn the absence of the server's packages into a sentence.

    Raises:
        InvalidInput: what is imported inside is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("calculation_engine"):
            raise
        raise InvalidInput(
            f"this needs the engine itself, of which {error.name} is not installed here",
            hint="pip install 'calculation-engine[server]', or name a server with --server or CE_SERVER",
        ) from error


@contextmanager
def connected(
    server: str | None, token: str | None, token_file: Path | None, *, engine: bool = False, executor: str | None = None
) -> Iterator[Client]:
    """Yield a client of the named server, or of one that lives in this process as long as the block.

    Args:
        server: its address; none: one is started on the data folder of the settings.
        token: for the server.
        token_file: that holds the token instead.
        engine: whether a server in this process runs steps, or only answers what is stored.
        executor: default of a server in this process.
    """
    from calculation_engine.client import Client

    if server:
        with Client(server, token or _token_of(token_file)) as client:
            yield client
        return
    with embedded_client(settings_of({"executor": executor}), engine=engine) as client:
        yield client


@contextmanager
def embedded_client(settings: Settings, *, engine: bool) -> Iterator[Client]:
    """Yield a client of a server that lives in this process as long as the block.

    Args:
        settings: of the server; its log is kept to errors.
        engine: whether it runs steps, or only answers what is stored.
    """
    from calculation_engine.client import Client

    with server_part():
        from calculation_engine.api.server import embedded
        from calculation_engine.logs import configure_logs
    configure_logs("error", settings.log_format)
    with embedded(settings, engine=engine) as url, Client(url) as client:
        yield client


def settings_of(given: Mapping[str, object]) -> Settings:
    """Return the server's settings: options over environment over file over defaults.

    Raises:
        InvalidInput: a setting is unknown, or its value is not allowed; every one is named.
    """
    with server_part():
        from pydantic import ValidationError

        from calculation_engine.settings import load_settings
    try:
        return load_settings(given)
    except ValidationError as error:
        raise InvalidInput(
            "not all settings can be used",
            hint="`calculation-engine doctor` lists them; CE_NAME stands for `name`",
            faults=pydantic_faults(error.errors()),
        ) from error


def _token_of(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text().strip()
    except OSError as error:
        raise InvalidInput(f"token file {file}: cannot be read: {error.strerror}") from error
