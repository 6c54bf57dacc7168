"""How large the images are, and how much of that is their own: those of docker-compose.yaml and of all modules.

    python -m benchmarks.images [--write]

Prints a table of the images that are there (`docker compose build` and `ce module build --all` make them); `--write`
puts it into benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
README = ROOT / "benchmarks" / "README.md"
BASES = ("python:3.12-slim", "mariadb:10.11")
STAND_IN = "org.calculation-engine.stand-in"
BEGIN, END = "<!-- written by python -m benchmarks.images --write -->\n", "<!-- end -->\n"


@dataclass(frozen=True)
class Image:
    """An image that is there."""

    name: str
    size_mb: float
    own_mb: float  #: what it adds to the image that it starts from
    user: str  #: "" where the image starts as root


def main() -> None:
    """Print the table, and write it down if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="into benchmarks/README.md")
    arguments = parser.parse_args()
    text = "\n".join(lines()) + "\n"
    print(text, end="")
    if arguments.write:
        head, _, rest = README.read_text().partition(BEGIN)
        README.write_text(head + BEGIN + text + END + rest.partition(END)[2])


def lines() -> Iterator[str]:
    """Yield the table, and what it starts from."""
    base = inspected([BASES[0]]).get(BASES[0])
    if base is None:
        raise SystemExit(f"there is no image {BASES[0]} to compare with: docker pull {BASES[0]}")
    kind = (
        "a stand-in made from Debian's packages" if STAND_IN in (base["Config"]["Labels"] or {}) else "the public image"
    )
    yield f"All start from `{BASES[0]}`, here {kind} of {base['Size'] / 1e6:.0f} MB. Equal layers are stored once.\n"
    yield "| image | size [MB] | its own [MB] |"
    yield "|---|---|---|"
    for image in measured():
        yield f"| `{image.name}` | {image.size_mb:.0f} | {image.own_mb:.1f} |"


def measured() -> list[Image]:
    """Return the project's images that are there, by name."""
    found = inspected([*BASES, *names()])
    bases = [found.pop(base) for base in BASES if base in found]
    return [
        Image(name, one["Size"] / 1e6, (one["Size"] - below(one, bases)) / 1e6, one["Config"].get("User") or "")
        for name, one in found.items()
    ]


def names() -> list[str]:
    """Return the names of the images that the project builds, from the files that say so."""
    files = [ROOT / "docker-compose.yaml", ROOT / "compose" / "proxy.yaml"]
    services = [service for file in files for service in yaml.safe_load(file.read_text())["services"].values()]
    composed = [service["image"] for service in services if "build" in service]
    manifests = [yaml.safe_load(file.read_text()) for file in sorted((ROOT / "images").glob("[!_]*/module.yaml"))]
    return [*composed, *(f"{one['image']['repository']}:{one['image']['tag']}" for one in manifests)]


def inspected(images: list[str]) -> dict[str, dict[str, Any]]:
    """Return what Docker tells of each image that is there."""
    found = {}
    for image in images:
        done = subprocess.run(["docker", "image", "inspect", image], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            found[image] = json.loads(done.stdout)[0]
        elif not re.search("no such image", done.stderr, re.IGNORECASE):
            raise SystemExit(done.stderr.strip())
    return found


def below(image: dict[str, Any], bases: list[dict[str, Any]]) -> int:
    """Return the bytes of the base whose layers an image begins with; 0 for none."""
    layers = image["RootFS"]["Layers"]
    sizes = [one["Size"] for one in bases if layers[: len(one["RootFS"]["Layers"])] == one["RootFS"]["Layers"]]
    return max(sizes, default=0)


if __name__ == "__main__":
    main()
