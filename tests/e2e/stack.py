"""The compose project of this repository, brought up beside anything else, and taken down with all that it made."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.e2e.cli_place import ce

ROOT = Path(__file__).parents[2]
#: A module as the template makes it takes its time: as many seconds as its factor.
SLOWLY = '    print(f"progress 0.5 read {len(rows)} rows", flush=True)\n'
SLEEP = "    import time\n\n    time.sleep(factor)\n"


@dataclass(frozen=True)
class Stack:
    """A compose project with ports and modules of its own."""

    name: str
    folder: Path
    ports: tuple[int, int]
    profile: str = "socket"
    extra: tuple[str, ...] = ()  #: further lines of .env

    @property
    def url(self) -> str:
        """Address of the API, as this machine publishes it."""
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def modules(self) -> Path:
        """Folder of the modules that are not built in."""
        return self.folder / "modules"

    def compose(self, *words: str, timeout: float = 600, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``docker compose`` on this project."""
        done = subprocess.run(
            self._line(*words),
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done

    def inside(
        self, service: str, *words: str, user: str = "ce", timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a running container."""
        return self.compose("exec", "-T", "--user", user, service, *words, check=False, timeout=timeout)

    def load(self, service: str, image: str) -> None:
        """Copy an image of this machine's Docker into the one that runs in a service, as where no registry is."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            line = self._line("exec", "-T", service, "docker", "load", "--quiet")
            subprocess.run(line, cwd=ROOT, env=environment(), stdin=saved.stdout, check=True, timeout=120)
        assert saved.returncode == 0

    def talk(self, service: str, *words: str) -> subprocess.Popen[str]:
        """Start a command in a running container, to write to and read from; it ends when its input does."""
        line = self._line("exec", "-T", "--user", "ce", service, *words)
        pipe = subprocess.PIPE
        return subprocess.Popen(line, cwd=ROOT, env=environment(), stdin=pipe, stdout=pipe, text=True)

    def _line(self, *words: str) -> list[str]:
        return ["docker", "compose", "--project-name", self.name, "--env-file", str(self.folder / "env"), *words]

    def up(self) -> None:
        """Start everything, and wait until it is healthy."""
        self.compose("up", "--detach", "--wait", "--wait-timeout", "300")

    def logs(self, service: str) -> str:
        """Return what a service has printed."""
        return self.compose("logs", "--no-color", "--no-log-prefix", service).stdout


@contextmanager
def stack(folder: Path, profile: str = "socket", *extra: str) -> Iterator[Stack]:
    """Build the images and give a project that is not started yet."""
    made = Stack(f"ce-test-{uuid4().hex[:8]}", folder, (free_port(), free_port()), profile, extra)
    made.modules.mkdir(parents=True)
    lines = [f"COMPOSE_PROFILES={profile}", f"API_PORT={made.ports[0]}", f"LAB_PORT={made.ports[1]}"]
    lines += [f"MODULES={made.modules}", *extra]
    (folder / "env").write_text("\n".join(lines) + "\n")
    try:
        made.compose("build", timeout=1200)
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "20", check=False)


def make_modules(folder: Path) -> None:
    """Make two modules that chain by the label ``table``, and one that takes its time, in ``folder/modules``."""
    for name in ("eos_demo", "user_demo"):
        _make_module(folder, name)
    manifest = folder / "modules" / "eos_demo" / "module.yaml"
    manifest.write_text(manifest.read_text().replace("label: scaled,", "label: table,"))
    make_slow_module(folder)


def make_slow_module(folder: Path) -> None:
    """Make the module ``slow_demo``, which takes as many seconds as its factor, in ``folder/modules``."""
    _make_module(folder, "slow_demo")
    program = folder / "modules" / "slow_demo" / "run.py"
    program.write_text(program.read_text().replace(SLOWLY, SLOWLY + SLEEP))


def _make_module(folder: Path, name: str) -> None:
    made = ce("module", "new", name, "--folder", "modules", folder=folder)
    assert made.returncode == 0, made.stderr


def environment() -> dict[str, str]:
    """Return this process's environment without the settings of the project, as a person's shell has it."""
    ours = ("CE_", "COMPOSE_", "API_", "LAB_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
