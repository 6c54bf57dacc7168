"""The few calls of a Docker engine that are needed, with its ways of failing told apart.

The only module that imports the SDK. An engine that does not answer is ``ExecutorUnavailable``; a refusal (4xx) stays
the SDK's ``APIError``, of which ``NotFound`` is one, for the caller knows what it means.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import docker
from docker.errors import (
    APIError,
    DockerException,
    NotFound,
    TLSParameterError,
    create_api_error_from_http_exception,
)
from docker.tls import TLSConfig
from docker.types import DeviceRequest, Mount, Ulimit
from docker.utils import kwargs_from_env

from calculation_engine.errors import ExecutorUnavailable
from calculation_engine.executors._docker_ssh import SCHEME, Tunnel

__all__ = ["APIError", "DeviceRequest", "Engine", "Host", "Mount", "NotFound", "Ulimit", "default_host"]

_HINT = (
    "start it (`sudo systemctl start docker`, or Docker Desktop), see that you may use it "
    "(`sudo usermod -aG docker $USER`, then log in again), or name another in CE_EXECUTORS__DOCKER__HOST"
)
_CERTIFICATES_HINT = (
    "the folder that CE_EXECUTORS__DOCKER__CERTIFICATES, or DOCKER_CERT_PATH, names holds ca.pem, cert.pem and key.pem"
)
#: Requests at once: every step that runs holds one for its log.
_CONNECTIONS = 256
_PIECE_BYTES = 1 << 18
_SETTLE_SECONDS = 20.0
#: For so long what an engine said of its machine is believed: another may answer at its address by now.
_HOST_SECONDS = 3.0
_HOST_TIMEOUT_SECONDS = 2.0
#: What an engine says, as its own failure (500), of files of a container of which it removed a part by then.
_BEING_REMOVED = re.compile("RWLayer of container .* is unexpectedly nil")


@dataclass(frozen=True)
class Host:
    """What a Docker engine says of the machine that it runs on."""

    id: str
    name: str  #: of the machine
    architecture: str
    cpus: int
    version: str


class _Client(docker.APIClient):
    """The SDK's client, which takes nothing from variables for HTTP in general.

    Looking for proxies and .netrc costs more than a request, and REQUESTS_CA_BUNDLE would be believed in place of the
    engine's own authority.
    """

    def _retrieve_server_version(self) -> str:
        self.trust_env = False  # before the first request, which is this one
        return str(super()._retrieve_server_version())  # type: ignore[misc]  # the stubs lack it


def _address(host: str | None, certificates: Path | None) -> dict[str, Any]:
    """Return the SDK's arguments for an engine's address, with TLS where there are certificates for it.

    Raises:
        ExecutorUnavailable: the certificates are not there, or cannot be used.
    """
    try:
        address: dict[str, Any] = {**kwargs_from_env()}
        if host:
            address["base_url"] = host
        if certificates is not None:
            files = [certificates / name for name in ("ca.pem", "cert.pem", "key.pem")]
            absent = [str(file) for file in files if not file.is_file()]
            if absent:
                raise ExecutorUnavailable(f"docker: there is no {', no '.join(absent)}", hint=_CERTIFICATES_HINT)
            ca, cert, key = map(str, files)
            address["tls"] = TLSConfig(client_cert=(cert, key), ca_cert=ca, verify=True)
    except TLSParameterError as error:
        raise ExecutorUnavailable(f"docker: {error}", hint=_CERTIFICATES_HINT) from error
    if not str(address.get("base_url", "")).startswith(("tcp://", "https://")):
        address.pop("tls", None)
    return address


def default_host() -> str:
    """Return the address that DOCKER_HOST names, or the usual socket."""
    try:
        return str(kwargs_from_env().get("base_url", "unix:///var/run/docker.sock"))
    except TLSParameterError:
        return "the address that DOCKER_HOST names"


class Engine:
    """A Docker engine; one object serves all threads."""

    def __init__(
        self,
        host: str | None,
        timeout_seconds: float,
        certificates: Path | None = None,
        ssh_config: Path | None = None,
    ) -> None:
        self._host = host
        self._certificates = certificates
        self._ssh_config = ssh_config
        self._tunnel: Tunnel | None = None
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._client: docker.APIClient | None = None
        self._closed = False
        self._machine_lock = threading.Lock()
        self._machine: Host | None = None
        self._machine_asked = -math.inf
        self._was_silent = False

    @property
    def _api(self) -> docker.APIClient:
        with self._lock:
            if self._closed:
                raise ExecutorUnavailable("docker: this executor was closed")
            if self.address.startswith(SCHEME):
                return self._api_by_ssh()
            if self._client is None:
                address = _address(self._host, self._certificates)
                self._client = _Client(
                    version="auto", timeout=int(self._timeout_seconds), max_pool_size=_CONNECTIONS, **address
                )
            return self._client

    def _api_by_ssh(self) -> docker.APIClient:
        if self._tunnel is None:
            try:
                self._tunnel = Tunnel(self.address, self._ssh_config)
            except ValueError as error:
                raise ExecutorUnavailable(f"docker: {error}", hint=_HINT) from error
        socket = self._tunnel.open()
        if self._client is None:
            seconds = int(self._timeout_seconds)
            self._client = _Client(version="auto", timeout=seconds, max_pool_size=_CONNECTIONS, base_url=socket)
        return self._client

    @contextmanager
    def answering(self) -> Iterator[docker.APIClient]:
        """Give the SDK's client for a few calls, whose failures are told as this module's docstring says."""
        try:
            yield self._api
        except NotFound:
            self._note_answer()
            raise
        except APIError as error:
            if error.status_code is not None and error.status_code < 500:
                self._note_answer()
                raise
            self._was_silent = True
            raise ExecutorUnavailable(f"docker: the engine failed: {_told(error)}") from error
        except (OSError, DockerException) as error:  # the SDK's connection errors are OSErrors
            self._was_silent = True
            raise ExecutorUnavailable(f"docker: no engine answers at {self.address}: {error}", hint=_HINT) from error
        else:
            self._note_answer()

    def _note_answer(self) -> None:
        """After a silence it may be another engine that answers: it is asked anew who it is."""
        if self._was_silent:
            self._was_silent = False
            self._machine_asked = -math.inf

    def _request(
        self,
        api: docker.APIClient,
        path: str,
        asked: dict[str, str],
        read_seconds: float | None,
        connect_seconds: float | None = None,
    ) -> Any:
        """Return the answer to a GET for which the SDK has no method, or one that reads too much."""
        response = api.get(
            f"{api.base_url}/v{api.api_version}/{path}",
            params=asked,
            stream=True,
            timeout=(connect_seconds or self._timeout_seconds, read_seconds),
        )
        try:
            response.raise_for_status()
        except OSError as error:
            with response:
                try:
                    create_api_error_from_http_exception(error)  # type: ignore[arg-type]
                except APIError as refusal:
                    if _BEING_REMOVED.search(refusal.explanation or ""):
                        raise NotFound(str(refusal), response, refusal.explanation) from error
                    raise
        return response

    @property
    def host(self) -> Host:
        """The engine's machine, as it was told within the last seconds; where it is not told now, as it was before."""
        with self._machine_lock:
            if self._machine is None:
                self._machine = self.ask_host()
            elif time.monotonic() > self._machine_asked + _HOST_SECONDS:
                with suppress(ExecutorUnavailable):
                    self._machine = self.ask_host(_HOST_TIMEOUT_SECONDS)
            else:
                return self._machine
            self._machine_asked = time.monotonic()
            return self._machine

    def ask_host(self, seconds: float | None = None) -> Host:
        """Ask the engine of its machine now; within so many seconds it has to answer."""
        with self.answering() as api:
            with self._request(api, "info", {}, seconds or self._timeout_seconds, seconds) as response:
                about = response.json()
            return Host(about["ID"], about["Name"], about["Architecture"], about["NCPU"], about["ServerVersion"])

    @property
    def address(self) -> str:
        """Where it is asked."""
        return self._host or default_host()

    def now(self) -> float:
        """Return the time of the engine's clock, in Unix seconds."""
        with self.answering() as api:
            return datetime.fromisoformat(api.info()["SystemTime"]).timestamp()

    def ping(self) -> None:
        """Return when the engine answers."""
        with self.answering() as api:
            api.ping()

    def create(self, name: str, settings: Mapping[str, Any], host_settings: Mapping[str, Any]) -> None:
        """Create a container; one of that name, which was created and no more, makes room for it."""
        for _ in self._tries(f"the name {name} is still taken"):
            try:
                with self.answering() as api:
                    api.create_container(name=name, host_config=api.create_host_config(**host_settings), **settings)
                return
            except APIError as error:
                if error.status_code != 409:
                    raise
            self.remove(name)  # the request of a client that died is carried out all the same

    def put(self, name: str, path: str, archive: Iterable[bytes]) -> None:
        """Unpack a tar archive into a folder of a container, while the archive is made."""
        with self.answering() as api:
            api.put_archive(name, path, archive)

    def start(self, name: str) -> None:
        """Start a created container."""
        with self.answering() as api:
            api.start(name)

    def inspect(self, name: str) -> dict[str, Any] | None:
        """Return what is known of a container, or None when there is none of that name."""
        try:
            with self.answering() as api:
                found: dict[str, Any] = api.inspect_container(name)
                return found
        except NotFound:
            return None

    def wait(self, name: str, seconds: float) -> None:
        """Return when the container does not run, or when the time is over, or when the engine does not answer."""
        try:
            self._api.wait(name, timeout=seconds)  # type: ignore[arg-type]  # the stubs know whole seconds only
        except (OSError, DockerException, ExecutorUnavailable):
            return  # whoever asks next is told

    def kill(self, name: str, signal: str) -> bool:
        """Send a signal; return False when the container is not running."""
        try:
            with self.answering() as api:
                api.kill(name, signal)
        except APIError as error:
            if error.status_code in {404, 409}:
                return False
            raise
        return True

    def get(self, name: str, path: str) -> Iterator[bytes]:
        """Yield the tar archive of a file or folder of a container.

        Raises:
            NotFound: there is no such path, or no such container.
        """
        with self.answering() as api:
            response = self._request(api, f"containers/{name}/archive", {"path": path}, self._timeout_seconds)
            with response:
                yield from response.iter_content(_PIECE_BYTES)

    def logs(self, name: str, *, follow: bool) -> Any:
        """Return the response whose body is a container's log from its beginning; with ``follow``, until it ends."""
        with self.answering() as api:
            asked = {"stdout": "1", "stderr": "1", "follow": str(int(follow))}
            return self._request(api, f"containers/{name}/logs", asked, None)

    def remove(self, name: str) -> None:
        """Kill and remove a container, then the volume of the same name; those that are not there are fine."""
        for _ in self._tries(f"container or volume {name} is still in use"):
            if self._removed(name):
                return

    def _removed(self, name: str) -> bool:
        with self.answering() as api:
            for remove in (partial(api.remove_container, name, v=True), partial(api.remove_volume, name)):
                try:
                    remove(force=True)
                except APIError as error:
                    if error.status_code == 409:  # somebody removes, or creates, it in this moment
                        return False
                    if error.status_code != 404:
                        raise
        return True

    def _tries(self, what: str) -> Iterator[None]:
        """Yield again and again for as long as the engine may need to end what it is about."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            yield
            time.sleep(0.02)
        raise ExecutorUnavailable(f"docker: {what} after {_SETTLE_SECONDS:g} s")

    def containers(self, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the containers that fit, in any state."""
        with self.answering() as api:
            found: list[dict[str, Any]] = api.containers(all=True, filters=dict(filters))
            return found

    def volumes(self, label: str) -> list[dict[str, Any]]:
        """Return the volumes that carry a label."""
        with self.answering() as api:
            return api.volumes(filters={"label": label})["Volumes"] or []

    def volume_bytes(self) -> dict[str, int]:
        """Return the bytes in each volume."""
        with self.answering() as api:
            with self._request(api, "system/df", {"type": "volume"}, self._timeout_seconds) as response:
                volumes = response.json()["Volumes"] or []
            return {volume["Name"]: volume["UsageData"]["Size"] for volume in volumes}

    def usage(self, name: str) -> dict[str, Any]:
        """Return what a running container has used until now; nothing when it has just ended."""
        try:
            with self.answering() as api:
                used: dict[str, Any] = api.stats(name, stream=False, one_shot=True)
                return used
        except APIError:
            return {}

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            self._closed = True
            if self._client is not None:
                self._client.close()
            if self._tunnel is not None:
                self._tunnel.close()


def _told(error: APIError) -> str:
    return str(error.explanation or error)
