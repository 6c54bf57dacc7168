"""Every setting of the server, declared once.

Environment over file over default: ``CE_PORT=9000`` over ``port = 9000`` in ``calculation-engine.toml`` (or the file
that ``CE_SETTINGS`` names). Read once, at start, and passed down. Unknown settings are refused.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from platformdirs import user_data_path
from pydantic import AfterValidator, ByteSize, Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

SETTINGS_FILE = "calculation-engine.toml"
_PREFIX = "CE_"
#: Variables with the prefix that are not settings of the server: the client's, and the place of the file itself.
_NOT_SETTINGS = frozenset({"CE_SETTINGS", "CE_SERVER", "CE_TOKEN", "CE_TOKEN_FILE", "CE_JSON", "CE_OUTPUT", "CE_DEBUG"})


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _split(value: Any) -> Any:
    return [part for part in re.split(r"[,\s]+", value) if part] if isinstance(value, str) else value


def _split_paths(value: Any) -> Any:
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]


class Settings(BaseSettings):
    """Settings of the API and the engine."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid", use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """Address that the API listens on. Anything but the loopback needs `tokens_file`."""
    published_host: str | None = None
    """Address of the host on which a container's port is published: it, not `host`, then tells who can come in."""
    port: int = Field(default=8081, ge=0, le=65535)
    """Port that the API listens on; 0 takes any free one and prints it."""
    data_dir: AbsolutePath = user_data_path("calculation-engine")
    """Folder of files, logs, scratch and the default database. Engines on one database share it."""
    database: SecretStr | None = None
    """SQLAlchemy URL, as `mysql+pymysql://user:password@host/name`; default: SQLite in `data_dir`."""
    database_file: AbsolutePath | None = None
    """File that holds the database URL, in place of `database`."""
    module_path: Annotated[list[AbsolutePath], NoDecode] = []
    """Folders with modules of your own, searched after the built-in `images` (separated by `:` in the environment)."""
    executor: str = "local"
    """Where steps run whose process names no executor."""
    job_executors: Annotated[list[str], NoDecode] = []
    """Executors that a job may name (separated by `,` in the environment); default: all."""
    executors: dict[str, dict[str, Any]] = {}
    """Options of each executor, as `CE_EXECUTORS__DOCKER__HOST`."""
    steps_at_once: int | None = Field(default=None, ge=1)
    """Steps that this engine runs at once at most; default: as many as there are cores and memory for."""
    cpus: float | None = Field(default=None, gt=0)
    """Cores that the steps of this engine share; default: those of the machine, or `steps_at_once` if that is more."""
    memory: ByteSize | None = Field(default=None, ge=1 << 20)
    """Bytes of memory that the steps of this engine share; default: those of the machine."""
    module_limits: dict[str, Annotated[int, Field(ge=0)]] = {}
    """Steps of a module at once at most, on all engines together, as `CE_MODULE_LIMITS='{"ogcore": 1}'`."""
    reserve_after_seconds: float = Field(default=30.0, ge=0)
    """Seconds for which smaller steps go before one that there is no room for; then its room is kept free."""
    priority_owners: Annotated[list[str], NoDecode] = []
    """Owners whose jobs may have a priority above 0, where tokens are used."""
    lease_seconds: float = Field(default=30.0, ge=3)
    """Seconds after which another engine takes over the steps of one that no longer answers."""
    attempts: int = Field(default=2, ge=1, le=20)
    """Attempts of a step whose process or container is lost without a record of its end."""
    gone_places: Annotated[list[str], NoDecode] = []
    """Machines and Docker engines that never come back, as steps name them in `host`: what runs there is lost."""
    tokens_file: AbsolutePath | None = None
    """File with one `owner:token` a line; each request then needs one of the tokens."""
    allowed_hosts: Annotated[list[str], NoDecode] = []
    """Host names under which the API may be asked besides the loopback's and the address it listens on."""
    allowed_origins: Annotated[list[str], NoDecode] = []
    """Origins of web pages elsewhere that may use the API, as `https://example.org`."""
    serve_unsandboxed: bool = False
    """Whether others may be served although the local executor has no sandbox here."""
    request_limit: ByteSize = Field(default=ByteSize(8 << 20), ge=1024)
    """Bytes of the JSON of one request."""
    upload_limit: ByteSize = Field(default=ByteSize(20 << 30), ge=1024)
    """Bytes of one uploaded file, and of all files unpacked from one archive."""
    upload_files_limit: int = Field(default=20_000, ge=1)
    """Files in one uploaded archive."""
    solve_timeout_seconds: float = Field(default=30.0, ge=0)
    """Seconds that `/solve` waits for the result unless the request says otherwise."""
    log_level: str = "info"
    """Least level of the server's own log: debug, info, warning or error."""
    log_format: str = "text"
    """Form of the server's own log: text or json."""
    upload_days: float = Field(default=7.0, gt=0)
    """Days after which an upload that no job uses is deleted."""
    keep_days: float | None = Field(default=None, gt=0)
    """Days after its end for which a job is kept with its results; default: as long as nobody deletes it."""
    keep_last: int | None = Field(default=None, ge=0)
    """Ended jobs of each owner that are kept, the latest ones. With `keep_days`, what either rule keeps is kept."""
    disk_free: ByteSize = Field(default=ByteSize(500 << 20), ge=0)
    """Bytes that stay free on the disk of `data_dir`: with less, jobs and uploads are refused, and steps wait."""
    disk_quota: ByteSize | None = None
    """Bytes that all that is in `data_dir` may use; default: what the disk has."""

    @field_validator(
        "allowed_hosts", "allowed_origins", "job_executors", "priority_owners", "gone_places", mode="before"
    )
    @classmethod
    def _split_list(cls, value: Any) -> Any:
        return _split(value)

    @field_validator("module_path", mode="before")
    @classmethod
    def _split_module_path(cls, value: Any) -> Any:
        return _split_paths(value)

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        return _one_of(value, ("debug", "info", "warning", "error"))

    @field_validator("log_format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        return _one_of(value, ("text", "json"))

    @property
    def database_url(self) -> str:
        """The database's URL with its password: never print it."""
        if self.database_file:
            return self.database_file.read_text().strip()
        if self.database is None:
            return f"sqlite:///{self.data_dir / 'calculation-engine.sqlite'}"
        return self.database.get_secret_value()

    @property
    def is_loopback(self) -> bool:
        """Whether the API is reached from this machine alone."""
        host = self.published_host or self.host
        return host in {"localhost", "::1"} or host.startswith("127.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments over environment over file."""
        toml = TomlConfigSettingsSource(settings_cls, toml_file=_settings_file())
        return init_settings, env_settings, toml, _UnknownVariables(settings_cls)


class _UnknownVariables(PydanticBaseSettingsSource):
    """Variables with our prefix that are no setting: passed on, so that they are refused with all other faults."""

    def get_field_value(
        self,
        field: FieldInfo,
        field_name: str,
    ) -> tuple[Any, str, bool]:
        """Not used: the source answers as a whole."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        known = {_PREFIX + name.upper() for name in self.settings_cls.model_fields} | _NOT_SETTINGS
        return {
            name: value
            for name, value in os.environ.items()
            if name.startswith(_PREFIX) and name not in known and not name.startswith(("CE_EXECUTORS__", "CE_TEST_"))
        }


def load_settings(arguments: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings: given arguments over environment over file over defaults.

    Raises:
        pydantic.ValidationError: a setting is unknown or its value is not allowed; every one is in it.
    """
    return Settings(**{name: value for name, value in (arguments or {}).items() if value is not None})


def origins() -> dict[str, str]:
    """Return which variable, or which file, gives a setting that does not have its default."""
    file = _settings_file()
    found = dict.fromkeys(TomlConfigSettingsSource(Settings, toml_file=file)(), str(file))
    return found | {name: _PREFIX + name.upper() for name in EnvSettingsSource(Settings)()}


def _settings_file() -> Path:
    return Path(os.environ.get("CE_SETTINGS", SETTINGS_FILE))


def host_name() -> str:
    """Return this machine's name, to which local handles are bound."""
    return socket.gethostname()


def _one_of(value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"expected one of {', '.join(allowed)}, got {value!r}")
    return value
