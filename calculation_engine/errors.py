"""The one tree of errors.

The class name is the code that users see. A :class:`UserError` is answered with its message and hint, never with a
traceback; an :class:`EngineError` is ours: the traceback goes to the log, the user gets an id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Place:
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Fault:
    """One thing wrong in an input: where it is, what was wrong and expected, what to do."""

    path: str
    message: str
    hint: str | None = None
    place: Place | None = None
    """Where the path's value stands, for an input that was read from a file."""

    def __str__(self) -> str:
        where = [str(part) for part in (self.place, self.path) if part]
        text = ": ".join([*where, self.message])
        return f"{text} ({self.hint})" if self.hint else text


class CalculationEngineError(Exception):
    """Root of everything raised on purpose.

    Args:
        message: what was wrong and what was expected, with values, units, paths and ids.
        hint: what the user can do about it.
        faults: every fault of an input at once, each with its path.
    """

    status: ClassVar[int] = 500  #: the HTTP status that answers it
    exit_code: ClassVar[int] = 2  #: the exit code of the command line
    retryable: ClassVar[bool] = False  #: whether the same call may succeed later

    def __init__(self, message: str, *, hint: str | None = None, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.faults = tuple(faults)

    @property
    def code(self) -> str:
        """The name users and clients match on."""
        return type(self).__name__

    def __str__(self) -> str:
        lines = [self.message, *(f"  {fault}" for fault in self.faults)]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


class UserError(CalculationEngineError):
    """The request is at fault; the same request will fail again."""

    status = 400
    exit_code = 1


class InvalidInput(UserError):
    """An input does not say what is needed; ``faults`` names every place."""

    status = 422


class NotFound(UserError):
    """There is nothing of that name."""

    status = 404


class Gone(UserError):
    """It existed and was deleted."""

    status = 410


class Conflict(UserError):
    """It contradicts what is stored already, or its state does not allow it."""

    status = 409


class Unauthorized(UserError):
    """A token is required, and none or a wrong one was given."""

    status = 401


class Forbidden(UserError):
    """It may not be done from here, or by this user."""

    status = 403


class TooLarge(UserError):
    """More bytes than the settings allow."""

    status = 413


class UnsupportedMedia(UserError):
    """The body is of a type that this address does not take."""

    status = 415


class JobFailed(UserError):
    """A job that was waited for ended without its results."""


class PlaceError(UserError):
    """A step cannot run in the place it was given to."""


class ImageMissing(PlaceError):
    """A module's image is not there, and could not be built or pulled."""


class EnvironmentFailed(PlaceError):
    """A module's local environment could not be made."""


class DiskLimit(PlaceError):
    """A step's files are larger than its limit."""


class EngineError(CalculationEngineError):
    """The engine, or something it needs, is at fault."""


class ExecutorUnavailable(EngineError):
    """An executor cannot be reached now; nothing was started."""

    status = 503
    retryable = True


class DatabaseUnavailable(EngineError):
    """The database cannot be reached now."""

    status = 503
    retryable = True


class StorageFull(EngineError):
    """The disk of the data folder has no room left for it, or its quota is used up."""

    status = 507
    retryable = True


class ServerUnreachable(EngineError):
    """A client gets no answer from the server."""

    status = 503
    retryable = True


class StoreCorrupt(EngineError):
    """A stored file does not have the hash that it is stored under."""


class AttemptLost(EngineError):
    """A step that ran is neither running nor has it left a record of its end."""

    retryable = True


class Stale(EngineError):
    """A guarded write met another state or token: somebody else owns the row now."""


class ManyFaults(ValueError):
    """Raised by a validator that looks at a whole value: all that is wrong in it, each with its path inside it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


def pydantic_faults(errors: Iterable[Any], prefix: str = "") -> list[Fault]:
    """Return one fault for each error of a pydantic ``ValidationError.errors()``.

    Args:
        errors: what ``ValidationError.errors()`` returned.
        prefix: path of the validated value inside the whole input.
    """
    faults: list[Fault] = []
    for error in errors:
        path, cause = join_path(prefix, error["loc"]), error.get("ctx", {}).get("error")
        if isinstance(cause, ManyFaults):
            faults += [Fault(f"{path}.{f.path}".strip("."), f.message, f.hint) for f in cause.faults]
        else:
            faults.append(Fault(path, _sentence(error)))
    return faults


#: pydantic's words for kinds of values that mean little to those who write JSON.
_EXPECTED = {
    "string_type": "expected a text",
    "dict_type": "expected an object",
    "model_type": "expected an object",
    "model_attributes_type": "expected an object",
    "list_type": "expected a list",
    "union_tag_not_found": "expected the field `type`, which says what it is",
}


def join_path(prefix: str, parts: Iterable[str | int]) -> str:
    """Return ``prefix`` extended by keys and indices: ``processes[0].config.time_limit``."""
    path = prefix
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else (f".{part}" if path else str(part))
    return path


def _sentence(error: Any) -> str:
    if error["type"] == "missing":
        return "required, but absent"
    if error["type"] == "extra_forbidden":
        return "there is no such field; check its spelling"
    if error["type"].startswith("byte_size"):
        return f'expected bytes, or a number with a unit as in "500MB", "2GiB", got {error["input"]!r}'
    if error["type"] == "union_tag_invalid":
        return f"type: expected one of {error['ctx']['expected_tags']}, got {error['ctx']['tag']!r}"
    message = str(error["msg"]).removeprefix("Value error, ")
    message = _EXPECTED.get(error["type"], message)
    value = repr(error.get("input"))
    return f"{message}, got {value}" if len(value) <= 80 and error["type"] != "value_error" else message
