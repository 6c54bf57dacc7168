"""The settings of the Docker executor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from calculation_engine.executors._docker_ssh import SCHEME, Target
from calculation_engine.schemas.base import Bytes, Seconds


class DockerOptions(BaseModel):
    """Settings of the Docker executor, under ``executors.docker``."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    host: str | None = None
    """Address of the engine, as `unix:///var/run/docker.sock`, `tcp://host:2376` or `ssh://user@host`; default: what
    DOCKER_HOST says."""
    certificates: Path | None = None
    """Folder with `ca.pem`, `cert.pem` and `key.pem` for TLS over `tcp://`; default: DOCKER_CERT_PATH
    with DOCKER_TLS_VERIFY."""
    ssh_config: Path | None = None
    """File that `ssh -F` is given for `ssh://`; default: the user's own."""
    images: list[str] = ["calculation-engine/*"]
    """Patterns of the image repositories that may be run (separated by `,` in the environment)."""
    build_missing: bool = True
    """Whether an image that is absent, or of other content than the module's folder, is built."""
    pull: bool = False
    """Whether an absent image of a module without a Dockerfile is pulled from its registry."""
    network_allowed: bool = False
    """Whether a step that asks for the network gets it."""
    gpu_allowed: bool = False
    """Whether a step that asks for graphics processors gets them."""
    runtime: str | None = None
    """OCI runtime that runs the containers, as `runsc`; default: the engine's."""
    temporary: Bytes = Field(default=Bytes(256 << 20), ge=1 << 20)
    """Bytes in a step's /tmp; what is in it counts as the step's memory."""
    stop_grace: Seconds = Field(default=2.0, ge=0)
    """Seconds between SIGTERM and SIGKILL when a step is cancelled or over its time limit."""
    watch_interval: Seconds = Field(default=0.2, gt=0)
    """Seconds between two looks at what the running steps have written."""
    request_timeout: Seconds = Field(default=60.0, ge=1)
    """Seconds that the engine has for an answer."""
    build_timeout: Seconds = Field(default=3600.0, ge=1)
    """Seconds without a word after which the build of an image is given up."""

    @field_validator("host")
    @classmethod
    def _spoken(cls, value: str | None) -> str | None:
        if value is not None and value.startswith(SCHEME):
            Target.parse(value)
        return value

    @field_validator("images", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part for part in re.split(r"[,\s]+", value) if part] if isinstance(value, str) else value
