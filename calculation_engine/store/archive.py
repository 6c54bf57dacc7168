"""Archives from outside, unpacked into the store without trusting a word of them."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO

from calculation_engine.errors import Fault, InvalidInput, TooLarge
from calculation_engine.schemas.files import Blob
from calculation_engine.store.files import CHUNK_BYTES, Store

_LONGEST_PATH = 500
_HINT = "make the archive anew from plain files and folders, with paths relative to its top"
#: The first bytes of an archive, and of one without files.
_BEGINNINGS = frozenset({b"PK\x03\x04", b"PK\x05\x06"})
#: What damaged or exotic archives raise: the format, its compressions, its names.
_UNREADABLE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    UnicodeDecodeError,
    NotImplementedError,
    EOFError,
    OSError,
)
#: What desktop systems put into archives without being asked.
_LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


def is_zip(path: Path) -> bool:
    """Return whether the file is a zip archive, or the beginning of one, by its content."""
    with path.open("rb") as file:
        return file.read(4) in _BEGINNINGS or zipfile.is_zipfile(path)


def unpack_zip(store: Store, path: Path, *, most_bytes: int, most_files: int) -> dict[str, Blob]:
    """Store every file of a zip archive and return its path to its content.

    A single folder that holds everything is left away, as people zip either a folder or what is in it.

    Args:
        store: where the files go.
        path: the archive.
        most_bytes: bytes of all files together, counted while they are unpacked, whatever the archive says.
        most_files: files in the archive.

    Raises:
        InvalidInput: not a readable archive; or one with absolute paths, ``..``, links, special files, encrypted
            files or two files of one path: each is named.
        TooLarge: more files or bytes than allowed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir() and not _is_litter(info.filename)]
            if len(members) > most_files:
                raise TooLarge(f"archive: {len(members)} files, at most {most_files} are allowed")
            faults = member_faults(members)
            if faults:
                raise InvalidInput("archive: not all of it can be unpacked", hint=_HINT, faults=faults)
            if not members:
                raise InvalidInput("archive: there is no file in it", hint=_HINT)
            if sum(info.file_size for info in members) > most_bytes:
                raise _too_large(most_bytes)
            files: dict[str, Blob] = {}
            left = most_bytes
            for info in members:
                with archive.open(info) as member:
                    files[info.filename] = _store_member(store, member, left, most_bytes)
                left -= files[info.filename].size
    except _UNREADABLE as error:
        raise InvalidInput(f"archive: it cannot be read as zip: {error}", hint=_HINT) from error
    return _without_common_folder(files)


def member_faults(members: list[zipfile.ZipInfo]) -> list[Fault]:
    """Return what forbids to unpack these files: paths that lead out, links, encryption, paths that occur twice."""
    faults, seen = [], set()
    for info in members:
        name = info.filename
        kind = stat.S_IFMT(info.external_attr >> 16)
        parts = name.split("/")
        if name.startswith("/") or "\\" in name or ":" in parts[0] or any(part in {"", ".", ".."} for part in parts):
            faults.append(Fault(name, "its path leaves the archive's folder"))
        elif len(name) > _LONGEST_PATH:
            faults.append(Fault(name[:60] + "…", f"its path has {len(name)} characters, at most {_LONGEST_PATH}"))
        elif kind not in {0, stat.S_IFREG}:
            faults.append(Fault(name, "it is a link or a special file; only plain files are taken"))
        elif info.flag_bits & 0x1:
            faults.append(Fault(name, "it is encrypted"))
        elif name in seen:
            faults.append(Fault(name, "it is in the archive twice"))
        seen.add(name)
    folders = {"/".join(name.split("/")[:depth]) for name in seen for depth in range(1, name.count("/") + 1)}
    faults += [Fault(name, "it is both a file and a folder") for name in sorted(seen & folders)]
    return faults


def _store_member(store: Store, member: IO[bytes], left_bytes: int, most_bytes: int) -> Blob:
    with store.writer() as writer:
        while chunk := member.read(CHUNK_BYTES):
            if writer.size + len(chunk) > left_bytes:
                raise _too_large(most_bytes)
            writer.write(chunk)
        return writer.commit()


def _too_large(most_bytes: int) -> TooLarge:
    return TooLarge(
        f"archive: its files together are larger than the {most_bytes} bytes that are allowed when unpacked",
        hint="send fewer or smaller files, or have the setting upload_limit raised",
    )


def _without_common_folder(files: dict[str, Blob]) -> dict[str, Blob]:
    tops = {path.split("/", 1)[0] for path in files}
    if len(tops) == 1 and all("/" in path for path in files):
        return {path.split("/", 1)[1]: blob for path, blob in files.items()}
    return files


def _is_litter(name: str) -> bool:
    return any(name.startswith(litter) or name.rsplit("/", 1)[-1] == litter for litter in _LITTER)
