"""A socket on this machine that leads to the Docker engine of another, through the program ``ssh``.

One connection carries all requests; the user's own keys, agent and configuration of ssh are used. The program ends with
this process, however that ends: what it runs over there ends when nothing holds its input.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from calculation_engine.errors import ExecutorUnavailable

SCHEME = "ssh://"
_SOCKET = "/var/run/docker.sock"
_READY = b"calculation-engine: the way is open\n"
_LOGIN_SECONDS = 20.0
#: After a failure nobody tries anew for so long, and whoever asks is told of that failure.
_PAUSE_SECONDS = 5.0
_OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": "10",
    "ControlPath": "none",
    "ExitOnForwardFailure": "yes",
    "LogLevel": "ERROR",
    "ServerAliveCountMax": "3",
    "ServerAliveInterval": "5",
    "StreamLocalBindUnlink": "yes",
}
_HINT = "see that `{line} docker version` works without a question, as this user"


@dataclass(frozen=True)
class Target:
    """What an address ``ssh://[user@]host[:port][/path/of/docker.sock]`` says."""

    login: str  #: as ssh takes it
    port: int | None
    socket: str

    @classmethod
    def parse(cls, address: str) -> Target:
        """Return what an address says.

        Raises:
            ValueError: it is none.
        """
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"expected {SCHEME}[user@]host[:port][/socket], got {address!r}: {error}") from error
        if parts.password is not None:
            raise ValueError("ssh:// takes no password here: use a key, or an agent")
        name = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
        host = parts.netloc.rpartition("@")[2]
        host = host.removesuffix(f":{port}") if port else host
        is_address = re.fullmatch(rf"{name}|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9]+)?\]", host)
        if not is_address or not re.fullmatch(name, parts.username or "x") or parts.query or parts.fragment:
            raise ValueError(f"expected {SCHEME}[user@]host[:port][/socket], got {address!r}")
        host = host.strip("[]")
        return cls(f"{parts.username}@{host}" if parts.username else host, port, parts.path.rstrip("/") or _SOCKET)


class Tunnel:
    """The way to another machine's Docker engine; opened when it is needed, and again when it broke.

    Not for several threads at once.

    Args:
        address: as :meth:`Target.parse` takes it.
        config: file for ``ssh -F``; none: the user's own.
    """

    def __init__(self, address: str, config: Path | None) -> None:
        self._target = Target.parse(address)
        self._config = config
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._failure = ""
        self._failed = 0.0

    def open(self) -> str:
        """Return the address of the socket, through which the other engine can be asked.

        Raises:
            ExecutorUnavailable: there is no way; with what ssh says.
        """
        if self._process is None or self._process.poll() is not None:
            if self._failure and time.monotonic() < self._failed + _PAUSE_SECONDS:
                raise self._unavailable()
            self._end()
            self._failure = self._begin()
            if self._failure:
                self._failed = time.monotonic()
                self._end()
                raise self._unavailable()
        return f"unix://{self._folder}/docker.sock"

    def close(self) -> None:
        """End it."""
        self._end()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _begin(self) -> str:
        """Start ssh and return why there is no way; "" when there is."""
        program = shutil.which("ssh")
        if program is None:
            return "there is no program ssh"
        if self._folder is None:  # in the folder for short-lived files, for the path of a socket may not be long
            self._folder = Path(tempfile.mkdtemp(prefix="ce-ssh-"))
        forward = f"{self._folder}/docker.sock:{self._target.socket}"
        words = [program, *self._words(), "-a", "-x", "-T", "-L", forward, self._target.login]
        with (self._folder / "stderr").open("wb") as said:
            self._process = subprocess.Popen(
                [*words, f"echo '{_READY.decode().strip()}'; exec cat >/dev/null"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,  # an interrupt of the terminal is not meant for it
            )
        if self._is_ready(self._process):
            return ""
        self._process.kill()
        self._process.wait()
        lines = (self._folder / "stderr").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"no answer within {_LOGIN_SECONDS:g} s"

    def _words(self) -> list[str]:
        words = [word for name, value in _OPTIONS.items() for word in ("-o", f"{name}={value}")]
        words += ["-F", str(self._config)] if self._config else []
        return words + (["-p", str(self._target.port)] if self._target.port else [])

    def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait for the word that is said over there; the other shell may say more before."""
        assert process.stdout is not None
        deadline = time.monotonic() + _LOGIN_SECONDS
        heard = b""
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([process.stdout], [], [], left)[0]:
                return False
            piece = os.read(process.stdout.fileno(), 4096)
            heard = (heard + piece)[-8192:]
            if _READY in heard.replace(b"\r", b""):
                return True
            if not piece:
                return False
        return False

    def _end(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.terminate()
        process.wait()
        process.stdout.close()

    def _unavailable(self) -> ExecutorUnavailable:
        port = f" -p {self._target.port}" if self._target.port else ""
        return ExecutorUnavailable(
            f"docker: no way to {self._target.login} by ssh: {self._failure}",
            hint=_HINT.format(line=f"ssh{port} {self._target.login}"),
        )
