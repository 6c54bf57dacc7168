"""Where a solver may start: a solved economy's numbers, kept as a plain ``.npz`` file that holds no objects."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ogcore_module.faults import Fault
from ogcore_module.parameters import load_declarations

FORMAT = 1
SIZES = ("S", "J", "T", "M", "I")
STEADY_STATE = ("r_p", "r", "w", "p_m", "Y", "BQ", "TR", "factor", "theta", "b_sp1", "n")
#: What the loop of OG-Core's time path reads before it writes it; without D, D_d, D_f and G there is no gain.
PATH = ("r", "w", "r_p", "p_m", "BQ", "RM", "TR", "r_gov", "D", "D_d", "D_f", "G", "Y", "K", "L", "B", "K_g")
HOUSEHOLDS = ("b_sp1", "n")

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Guess:
    """A start: steady state and, where one was solved, the path."""

    sizes: dict[str, int]
    steady_state: Arrays
    path: Arrays
    parameters: str | None = None  #: :func:`fingerprint` of the economy that was solved

    def misfit(self, specifications: Any, *, path: bool) -> str | None:
        """Return why it cannot start an economy of these sizes, or None; a steady state needs no equal T."""
        names = SIZES if path else tuple(name for name in SIZES if name != "T")
        other = [name for name in names if self.sizes[name] != int(getattr(specifications, name))]
        if other:
            return ", ".join(f"{name} is {self.sizes[name]}, here {getattr(specifications, name)}" for name in other)
        if path and not self.path:
            return "it has a steady state only"
        return None


def fingerprint(specifications: Any) -> str:
    """Return what all parameters are, in one word: equal economies have equal ones, however they were given."""
    digest = hashlib.sha256()
    for name in sorted(load_declarations()):
        value = np.asarray(getattr(specifications, name))
        content = json.dumps(value.tolist()) if value.dtype.kind in "OU" else f"{value.astype(float).tolist()}"
        digest.update(f"{name} {value.shape} {content}\n".encode())
    return digest.hexdigest()


def save_guess(
    path: Path, specifications: Any, steady_state: Mapping[str, Any], time_path: Mapping[str, Any] | None
) -> None:
    """Write the start that a solved economy gives to its neighbours."""
    sizes = {name: int(getattr(specifications, name)) for name in SIZES}
    arrays: Arrays = {f"ss_{name}": np.asarray(steady_state[name], dtype=float) for name in STEADY_STATE}
    if time_path is not None:
        arrays |= {f"path_{name}": np.asarray(time_path[name], dtype=float) for name in (*PATH, *HOUSEHOLDS)}
    content = {"format": FORMAT, "parameters": fingerprint(specifications), **sizes}
    header = json.dumps(content, sort_keys=True).encode()
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, header=np.frombuffer(header, dtype=np.uint8), **arrays)


def load_guess(path: Path) -> Guess | None:
    """Return the start in a file, None where there is no file.

    Raises:
        Fault: it is not such a file; nothing in it is ever unpickled.
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
        header = json.loads(arrays.pop("header").tobytes())
        sizes = {name: int(header[name]) for name in SIZES}
        _check(header, arrays)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise Fault(f"{path.name}: not a guess that this module wrote ({error}): give another run's `guess`") from error
    return Guess(sizes, _part(arrays, "ss_"), _part(arrays, "path_"), header.get("parameters"))


def _check(header: Mapping[str, Any], arrays: Arrays) -> None:
    if header["format"] != FORMAT:
        raise ValueError(f"its format is {header['format']}, this module's is {FORMAT}")
    path = (*PATH, *HOUSEHOLDS) if any(name.startswith("path_") for name in arrays) else ()
    wanted = [*(f"ss_{name}" for name in STEADY_STATE), *(f"path_{name}" for name in path)]
    missing = [name for name in wanted if name not in arrays]
    if missing:
        raise ValueError(f"it has no {', '.join(missing)}")
    if not all(np.isfinite(values).all() for values in arrays.values()):
        raise ValueError("it has numbers that are not finite")


def _part(arrays: Mapping[str, Any], prefix: str) -> Arrays:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
