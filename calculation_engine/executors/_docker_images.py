"""Makes the images of modules ready: built from the module's folder, or pulled where the settings allow it."""

from __future__ import annotations

import fnmatch
import re
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from calculation_engine.errors import ImageMissing
from calculation_engine.executors import _docker_archive as archive
from calculation_engine.executors._docker_client import APIError, Engine, NotFound
from calculation_engine.executors._docker_container import LABEL
from calculation_engine.executors._docker_lock import exclusive
from calculation_engine.executors._docker_options import DockerOptions
from calculation_engine.executors.base import Program

HASH_LABEL = f"{LABEL}.content-hash"
_LAST_LINES = 20
#: How Docker begins a line of the Dockerfile, and how it tells of the containers and layers in between.
_STEP = re.compile(r"Step (?P<number>\d+)/(?P<of>\d+) : (?P<what>.*)")
_NOISE = re.compile(
    r" ---> (Running in )?[0-9a-f]{12}|Removing intermediate container .*|Successfully (built|tagged) .*"
)
#: What is in a module's folder but is nothing to its image.
_NOT_IN_IMAGE = frozenset({"cases", "tests", "README.md", "__pycache__", ".DS_Store", ".git"})


@dataclass(frozen=True)
class Image:
    """An image that is there."""

    id: str
    name: str  #: for people: name and digest
    is_new: bool = False  #: whether it was made just now


class Images:
    """The images of modules on one Docker engine.

    Args:
        engine: where they are.
        options: what may be run, built and pulled.
        locks: folder of the files by which one image is made once, whoever asks.
    """

    def __init__(self, engine: Engine, options: DockerOptions, locks: Path) -> None:
        self._engine = engine
        self._options = options
        self._locks = locks

    def environment_id(self, program: Program) -> str:
        """Return what of the image determines results: its content, or its id where it was made elsewhere."""
        if _is_built_here(program):
            content = program.content_hash
        else:
            found = _find_image(self._engine, program.image)
            content = found["Id"] if found else program.image
        return f"docker-{self._engine.host.architecture}-{content}"

    def ensure(self, program: Program, say: Callable[[str], None], *, anew: bool = False) -> Image:
        """Return a program's image, made ready if it was not.

        Args:
            program: whose image is meant.
            say: called with each line of a build, or with the newest one now and then while somebody else builds it.
            anew: make it even if it is there, with nothing of an earlier build.

        Raises:
            ImageMissing: it may not be run here, or cannot be had.
        """
        self._check_allowed(program)
        image = None if anew else self._find(program)
        if image is None:
            lock = self._locks / (re.sub(r"[^a-z0-9.]+", "-", program.image.lower()) + ".lock")
            waiting = f"{program.name}: waiting for the image {program.image}, which is being made"
            with exclusive(lock, lambda told: say(told or waiting)) as tell:

                def say_to_all(line: str) -> None:
                    tell(line)
                    say(line)

                image = None if anew else self._find(program)
                image = image or self._make(program, say_to_all, anew=anew)
        return image

    def _check_allowed(self, program: Program) -> None:
        repository = _repository(program.image)
        if not any(fnmatch.fnmatchcase(repository, pattern) for pattern in self._options.images):
            raise ImageMissing(
                f"{program.name}: the image {program.image} may not be run here; allowed are: "
                f"{', '.join(self._options.images)}",
                hint=f"add {repository} to the setting executors.docker.images",
            )

    def _find(self, program: Program) -> Image | None:
        found = _find_image(self._engine, program.image)
        if found is None:
            return None
        if _is_built_here(program) and _hash_of(found) != program.content_hash:
            return None
        digest = next(iter(found["RepoDigests"] or []), "").partition("@")[2] or found["Id"]
        return Image(id=found["Id"], name=f"{program.image}@{digest}")

    def _make(self, program: Program, say: Callable[[str], None], *, anew: bool) -> Image:
        began = time.monotonic()
        if _is_built_here(program):
            self._build(program, say, anew=anew)
        elif self._options.pull:
            with self._engine.answering() as api:
                self._follow(program, api.pull(program.image, stream=True, decode=True), say, "pulled")
        else:
            raise ImageMissing(
                f"{program.name}: there is no image {program.image}, and the module has no Dockerfile",
                hint=f"`docker pull {program.image}` gets it; or set executors.docker.pull",
            )
        image = self._find(program)
        if image is None:
            raise ImageMissing(f"{program.name}: the image {program.image} was made, but is gone or was replaced")
        say(f"{program.name}: the image {program.image} is ready, after {time.monotonic() - began:.0f} s")
        return replace(image, is_new=True)

    def _build(self, program: Program, say: Callable[[str], None], *, anew: bool) -> None:
        earlier = _find_image(self._engine, program.image)
        if not self._options.build_missing:
            state = "is of other content than the module's folder" if earlier else "is not there"
            raise ImageMissing(f"{program.name}: the image {program.image} {state}", hint=_command(program))
        say(f"{program.name}: building the image {program.image}")
        with tempfile.TemporaryFile() as context:
            archive.context([program.folder, *program.shared], _NOT_IN_IMAGE, context)
            context.seek(0)
            with self._engine.answering() as api:
                messages = api.build(
                    tag=program.image,
                    fileobj=context,
                    custom_context=True,
                    dockerfile=f"{program.folder.name}/Dockerfile",
                    labels={HASH_LABEL: program.content_hash},
                    nocache=anew,
                    rm=True,
                    forcerm=True,
                    decode=True,
                    timeout=int(self._options.build_timeout),
                )
                self._follow(program, messages, say, "built")
        if earlier:
            _remove_untagged(self._engine, earlier["Id"])

    def _follow(
        self, program: Program, messages: Iterator[dict[str, Any]], say: Callable[[str], None], verb: str
    ) -> None:
        lines: deque[str] = deque(maxlen=_LAST_LINES)
        fault = place = ""
        try:
            for message in messages:
                fault = str(message.get("error", fault))
                for line in _lines(message):
                    lines.append(line)
                    step = _STEP.fullmatch(line)
                    place = f" {step['number']}/{step['of']}" if step else place
                    if not _NOISE.fullmatch(line):
                        say(f"{program.name}{place}: {step['what'] if step else line.removeprefix(' ---> ')}")
        except APIError as error:
            fault = str(error.explanation or error)
        if fault:
            said = "\n".join(["", *lines, fault])
            raise ImageMissing(
                f"{program.name}: the image {program.image} could not be {verb}; the last lines:{said}",
                hint=_command(program) if verb == "built" else f"`docker pull {program.image}` shows all of it",
            )


def _find_image(engine: Engine, reference: str) -> dict[str, Any] | None:
    try:
        with engine.answering() as api:
            found: dict[str, Any] = api.inspect_image(reference)  # type: ignore[no-untyped-call]
            return found
    except NotFound:
        return None


def _remove_untagged(engine: Engine, image_id: str) -> None:
    """Remove an image that has no name any more; one that is in use stays."""
    image = _find_image(engine, image_id)
    if image and not image["RepoTags"]:
        with suppress(APIError), engine.answering() as api:
            api.remove_image(image_id)


def _is_built_here(program: Program) -> bool:
    return (program.folder / "Dockerfile").is_file()


def _command(program: Program) -> str:
    return f"`ce module build {program.name}` builds it, and shows all lines"


def _hash_of(found: dict[str, Any]) -> str | None:
    labels = found["Config"].get("Labels") or {}
    content_hash: str | None = labels.get(HASH_LABEL)
    return content_hash


def _repository(reference: str) -> str:
    name = reference.partition("@")[0]
    head, _, last = name.rpartition("/")
    return f"{head}/{last.partition(':')[0]}".lstrip("/")


def _lines(message: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of one message of the engine; those of a progress bar, which has an id, are left out."""
    text = message.get("stream") or ("" if "progress" in message else message.get("status", ""))
    for line in text.splitlines():
        if line.strip():
            yield line.rstrip()
