r"""The executor contract: what the engine may rely on, whatever the place is.

An executor places one attempt of one step somewhere and knows nothing of jobs, workflows or databases. Every method is
synchronous, may block, and is called from a worker thread; different attempts are handled at the same time from
different threads. The native name (container, job, folder) derives from ``Task.attempt_id`` alone, so that whoever
takes an attempt over finds it again, and a second start of it collides instead of running twice.

The life of an attempt::

    prepare -> find -> submit -> wait ... wait -> collect -> remove
                 \__ found: attach _/      \__ cancel _/
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from calculation_engine.schemas.resources import Resources
from calculation_engine.states import Reason


class Source(Protocol):
    """The content of one file that a step reads."""

    @property
    def size(self) -> int:
        """Bytes."""

    def open(self) -> BinaryIO:
        """Open it for reading; the content is verified by its hash while it is read.

        Raises:
            StoreCorrupt: at the end of the file, when its hash is not the one it is stored under.
        """


@dataclass(frozen=True)
class Program:
    """What an attempt runs: a module's code and what it needs.

    ``folder`` and ``shared`` are read where the code is not in an image already. ``content_hash`` covers the manifest,
    code, lock file and shared folders; it names the local environment's code and labels the image.
    """

    name: str
    version: str
    content_hash: str
    command: tuple[str, ...]  #: ``{module}`` stands for the module's folder, wherever that is in this place
    image: str  #: ``repository:tag``
    folder: Path
    shared: tuple[Path, ...] = ()
    python: str | None = None
    requirements: Path | None = None
    in_own_environment: bool = False  #: ``python`` is the interpreter, with the packages, that runs this engine


@dataclass(frozen=True)
class Task:
    """One attempt of a step, fully resolved."""

    attempt_id: str  #: unique for ever; ``[a-z0-9-]{1,60}``
    labels: Mapping[str, str]  #: ids of the job and step, for people who look at the place itself
    program: Program
    env: Mapping[str, str]  #: the whole environment besides what the place itself needs
    files: Mapping[str, Source]  #: path below the working folder, such as ``input/config.yaml`` -> content
    resources: Resources
    folder: Path  #: scratch of this attempt on the store's filesystem; the executor makes it, fills it and removes it
    log: Path  #: where standard output and error go, byte by byte, while it runs


@dataclass(frozen=True)
class Exit:
    """How an attempt ended.

    ``reason`` is None when the program ended by itself, whatever its exit code.
    """

    exit_code: int | None
    reason: Reason | None = None  #: OUT_OF_MEMORY, TIME_LIMIT, DISK_LIMIT, CANCELLED or LOST
    message: str = ""  #: one sentence for the user where ``reason`` is set, with the limit and what was reached
    started: float | None = None  #: Unix seconds
    ended: float | None = None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None


@dataclass(frozen=True)
class Prepared:
    """What an executor made ready for a program."""

    environment_id: str  #: what of the place determines results: part of the step's key
    image: str  #: for people: image and digest, or the local environment's id


@dataclass(frozen=True)
class Capabilities:
    """Differences between places, as data."""

    sandboxed: bool  #: a step reaches neither the network nor files other than its own
    uses_machine: bool = True  #: a step takes cores and memory of the engine's machine
    detail: Mapping[str, str] = field(
        default_factory=dict
    )  #: for ``doctor``: what is used, and what is missing and why


class NoOptions(BaseModel):
    """Options of an executor that has none."""

    model_config = ConfigDict(extra="forbid")


class Executor(ABC):
    """A place where attempts run. See the module's docstring for the order of calls."""

    name: ClassVar[str]  #: the file's name, which is what users write
    Options: ClassVar[type[BaseModel]] = NoOptions  #: its settings, under ``executors.<name>``

    def __init__(self, options: BaseModel, data_dir: Path) -> None:
        """Keep the options; ``data_dir`` is where it may keep caches, in a folder of its own name.

        Must not connect to anything: an executor that cannot be reached is told by :meth:`check`.
        """
        self.options: Any = options
        self.data_dir = data_dir

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this place can do on this machine."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Name of where a handle means something: what was started there is found by executors of the same place only.

        At most 255 characters. It stays the same for as long as what was started may be there, whatever becomes of the
        engine's process, and whichever machine or container that comes back in.

        Raises:
            ExecutorUnavailable: it cannot be told now. Ask again later.
        """

    @property
    def replaced_places(self) -> Collection[str]:
        """Places that are gone for good, for this one took their stead: what was begun there is lost."""
        return ()

    @abstractmethod
    def check(self) -> None:
        """Return when steps can be started here.

        Raises:
            ExecutorUnavailable: with what is missing and the command that gets it.
        """

    @abstractmethod
    def environment_id(self, program: Program) -> str:
        """Return what of this place determines results, without making anything ready.

        Equal ids give equal results: same code, packages, interpreter and processor architecture.
        """

    @abstractmethod
    def prepare(self, program: Program, say: Callable[[str], None]) -> Prepared:
        """Make a program's environment or image ready; quick when it is already, made once when many ask at a time.

        Args:
            program: what will be run.
            say: called with a line of progress now and then.

        Raises:
            ImageMissing, EnvironmentFailed: it cannot be made; the message has the last lines of why. Do not retry.
            ExecutorUnavailable: the place cannot be reached now. Retry later.
        """

    @abstractmethod
    def find(self, task: Task) -> str | None:
        """Return the handle of this attempt, running or ended, if it was started here and is not removed; else None.

        Raises:
            ExecutorUnavailable: nothing is known. Ask again later; never take it for None.
        """

    @abstractmethod
    def submit(self, task: Task) -> str:
        """Start an attempt and return its handle; the same attempt twice starts once and returns the same handle.

        On return the attempt runs, or has ended, or will without further help, even if this process is killed now.

        Raises:
            InvalidInput: this attempt can never start here. Do not retry. Nothing is left.
            StoreCorrupt: a file's content is not what its hash says. Nothing is left.
            ExecutorUnavailable: nothing was started. Retry later.
        """

    @abstractmethod
    def attach(self, task: Task, handle: str) -> None:
        """Take an attempt over that another process, or an earlier life of this one, submitted.

        On return :meth:`wait` works and the log goes on where it stopped, without loss or repetition.

        Raises:
            AttemptLost: it is neither running nor has it left a record of its end.
            ExecutorUnavailable: nothing is known. Retry later.
        """

    @abstractmethod
    def wait(self, task: Task, handle: str, timeout_seconds: float) -> Exit | None:
        """Return how the attempt ended as soon as it has; None when it still runs after the timeout. Idempotent.

        When it returns an Exit no process of the attempt is left, and the log is complete.

        Raises:
            AttemptLost: it is neither running nor has it left a record of its end.
            ExecutorUnavailable: nothing is known. Ask again later.
        """

    @abstractmethod
    def cancel(self, task: Task, handle: str) -> None:
        """End the attempt with all its processes; a later :meth:`wait` returns reason CANCELLED. Idempotent.

        An attempt that has ended by itself stays as it ended.
        """

    @abstractmethod
    def collect(self, task: Task, handle: str, into: Path) -> None:
        """Put the attempt's ``output/`` tree below ``into``: regular files and folders only, complete. Idempotent.

        ``into`` is an absent path on the filesystem of ``task.folder``; links and special files are left out, and
        nothing outside ``output/`` is ever followed.

        Raises:
            DiskLimit: the outputs are larger than the attempt's disk limit.
        """

    @abstractmethod
    def remove(self, task: Task) -> None:
        """Leave nothing of the attempt but its log: no process, container, volume, file. Idempotent, in any state."""

    @abstractmethod
    def leftovers(self) -> Collection[str]:
        """Return the ids of all attempts of which something is here, whatever their state."""

    @abstractmethod
    def remove_leftover(self, attempt_id: str) -> None:
        """As :meth:`remove`, for an attempt of which only the id is known."""

    def close(self) -> None:
        """Release connections and threads of this object. Attempts go on."""
