"""The files by which the shim of an attempt and the engines know of each other.

Imported by the shim of every step, so it uses nothing but quick modules of the standard library. An attempt's folder
holds ``lock``, held by whoever submits it and then by its shim as long as that lives; ``folder``, where its scratch is;
``spec``, what the shim needs; ``started`` and ``ended``, which appear whole.
"""

# Importing pathlib would cost a third of the shim's start.

from __future__ import annotations

import fcntl
import os

Fields = dict[str, str]

#: The entry of a step's environment by which its processes are found when its shim is gone.
MARK = "CALCULATION_ENGINE_ATTEMPT"


def boot_id() -> str:
    """Return what differs after every start of the machine; empty where the system does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def write_once(path: str, fields: Fields) -> bool:
    """Make the record appear whole; False, and nothing changed, when it is there already."""
    own = _write_beside(path, fields)
    try:
        os.link(own, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(own)
    return True


def write(path: str, fields: Fields) -> None:
    """Make the record appear whole, in place of an earlier one.

    It is not forced to disk: after a power cut the boot id of an older record tells that it is not to be trusted.
    """
    os.replace(_write_beside(path, fields), path)


def read(path: str) -> Fields | None:
    """Return the record; None when there is none."""
    try:
        with open(path) as file:
            return dict(line.rstrip("\n").split("=", 1) for line in file)
    except FileNotFoundError:
        return None


def lock(path: str) -> int | None:
    """Take the lock and return its descriptor; None when somebody holds it, or it is being removed."""
    number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(number).st_nlink:
            return number
    except BlockingIOError:
        pass
    os.close(number)
    return None


def is_locked(path: str) -> bool:
    """Return whether somebody holds the lock."""
    try:
        number = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(number)


def _write_beside(path: str, fields: Fields) -> str:
    own = f"{path}.{os.getpid()}"
    with open(own, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in fields.items())
    return own
