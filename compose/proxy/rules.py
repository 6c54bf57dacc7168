"""What the engine asks of Docker, call by call and field by field. Everything else is refused, with a sentence.

A body of ``create`` is not only looked at: what goes on to Docker is made from the fields that were understood, so that
a field that is there twice, or in small letters, is not read in another way behind this.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

LABEL = "calculation-engine"
ATTEMPT = f"{LABEL}.attempt"
CONTENT = f"{LABEL}.content-hash"
#: Images of the project itself: who could replace one of them would be where the host's socket is.
OWN_IMAGES = frozenset({f"{LABEL}/ce", f"{LABEL}/jupyterlab", f"{LABEL}/proxy"})
NOBODY = "65534:65534"
VOLUME = "/ce"
_NAME = r"(?P<name>ce-[a-z0-9-]{1,60})"
_IMAGE = r"(?P<image>[a-z0-9][a-zA-Z0-9._:/@-]{0,300})"
_UNCLEAN = re.compile(
    r"(^|/)\.{0,2}(/|$)"
)  #: a part of a path that is empty, . or .., by which it may mean another one
_NOT = frozenset({"", "0", "no", "false", "none"})  #: how Docker reads a parameter that is off
_WHAT = {
    "Privileged": "privileged mode",
    "Binds": "host binds",
    "VolumesFrom": "the volumes of other containers",
    "CapAdd": "added capabilities",
    "Devices": "devices",
    "DeviceCgroupRules": "devices",
    "DeviceRequests": "graphics processors",
    "NetworkMode": "a network, or the host's",
    "PidMode": "the host's processes, or another container's",
    "IpcMode": "the host's memory, or another container's",
    "UTSMode": "the host's name",
    "UsernsMode": "the host's users",
    "CgroupnsMode": "the host's control groups",
    "CgroupParent": "another control group",
    "Sysctls": "kernel settings",
    "SecurityOpt": "other security options",
    "PortBindings": "published ports",
    "Mounts": "mounts but the step's own volume",
}


class RefusedError(Exception):
    """The engine has no need of this."""


@dataclass(frozen=True)
class Rules:
    """What the administrator allows."""

    images: tuple[str, ...] = (f"{LABEL}/*",)  #: patterns of the repositories that may be built, pulled and run
    allows: frozenset[str] = frozenset({"build"})  #: of build, pull, network, gpu
    runtime: str = ""  #: OCI runtime that may be asked for

    def check_repository(self, reference: str) -> None:
        """Refuse a name under which no image of a module may stand."""
        if not self.is_module(reference):
            raise RefusedError(f"the image {reference}: names of modules' images are {', '.join(self.images)}")

    def is_module(self, reference: str) -> bool:
        """Return whether it is the name of a module's image."""
        head, slash, last = reference.partition("@")[0].rpartition("/")
        repository = head + slash + last.partition(":")[0]
        return repository not in OWN_IMAGES and any(fnmatch.fnmatchcase(repository, one) for one in self.images)

    def check_allowed(self, what: str) -> None:
        """Refuse what is not allowed at all."""
        if what not in self.allows:
            raise RefusedError(
                f"{what} is not allowed here; PROXY_ALLOWS={','.join(sorted({*self.allows, what}))} does"
            )


@dataclass(frozen=True)
class Call:
    """A call that the engine makes."""

    method: str
    path: re.Pattern[str]
    parameters: frozenset[str]
    about: str = ""  #: container, volume, image, left over: it must be the engine's; list, sizes, create, build, pull


def _call(method: str, path: str, parameters: str = "", about: str = "") -> Call:
    return Call(method, re.compile(r"(?:/v1\.[0-9]{1,3})?" + path), frozenset(parameters.split()), about)


CALLS = (
    _call("GET", "/_ping"),
    _call("GET", "/version"),
    _call("GET", "/info"),
    _call("GET", "/system/df", "type", "sizes"),
    _call("GET", "/containers/json", "all filters limit size trunc_cmd", "list"),
    _call("GET", "/volumes", "filters", "list"),
    _call("POST", "/containers/create", "name", "create"),
    _call("GET", f"/containers/{_NAME}/json", "", "container"),
    _call("GET", f"/containers/{_NAME}/archive", "path", "container"),
    _call("PUT", f"/containers/{_NAME}/archive", "path", "container"),
    _call("GET", f"/containers/{_NAME}/logs", "stdout stderr follow", "container"),
    _call("GET", f"/containers/{_NAME}/stats", "stream one-shot", "container"),
    _call("POST", f"/containers/{_NAME}/start", "", "container"),
    _call("POST", f"/containers/{_NAME}/wait", "", "container"),
    _call("POST", f"/containers/{_NAME}/kill", "signal", "container"),
    _call("DELETE", f"/containers/{_NAME}", "v force", "container"),
    _call("DELETE", f"/volumes/{_NAME}", "force", "volume"),
    _call("GET", f"/images/{_IMAGE}/json", "", "image"),
    _call("DELETE", f"/images/{_IMAGE}", "", "left over"),
    _call("POST", "/images/create", "fromImage tag", "pull"),
    _call("POST", "/build", "t dockerfile labels rm forcerm q nocache pull", "build"),
)


def find_call(method: str, path: str, query: Mapping[str, str]) -> tuple[Call, dict[str, str]]:
    """Return the call that a request is, and what its path names.

    Args:
        method: HTTP's.
        path: as it was sent, still encoded: no name that the engine uses has a character that must be.
        query: its parameters, each once.
    """
    for call in () if _UNCLEAN.search(path[1:]) else CALLS:
        found = call.path.fullmatch(path)
        if found and call.method == method:
            extra = [name for name, value in query.items() if name not in call.parameters and value.lower() not in _NOT]
            if extra:
                raise RefusedError(f"{method} {path}: the engine never uses the parameter {', '.join(extra)}")
            return call, found.groupdict()
    raise RefusedError(f"{method} {path} is no call that the engine makes")


def checked_query(call: Call, query: Mapping[str, str], rules: Rules) -> dict[str, str]:
    """Return the parameters that go on.

    Raises:
        RefusedError: it is a build, a pull or a list of what is not the engine's.
    """
    if call.about == "build":
        rules.check_allowed("build")
        rules.check_repository(query.get("t", ""))
        if CONTENT not in _object(query.get("labels", "{}"), "labels"):
            raise RefusedError(f"a build without the label {CONTENT}")
    elif call.about == "pull":
        rules.check_allowed("pull")
        rules.check_repository(query.get("fromImage", ""))
    elif call.about == "sizes" and query.get("type") != "volume":
        raise RefusedError("sizes of anything but volumes")
    elif call.about == "list":
        filters = _object(query.get("filters", "{}"), "filters")
        labels = filters.get("label")
        if not isinstance(labels, list) or not any(str(label).startswith(f"{LABEL}.") for label in labels):
            raise RefusedError("a list of containers or volumes that are not the engine's")
        return {**query, "filters": json.dumps(filters)}
    return dict(query)


def checked_container(body: bytes, name: str, rules: Rules) -> dict[str, Any]:
    """Return what the engine asks to create, without anything else.

    Raises:
        RefusedError: every reason why it is not what the engine creates.
    """
    asked = _object(body, "the container")
    faults: list[str] = []
    attempt = name.removeprefix("ce-")
    if not re.fullmatch(_NAME, name):
        faults.append(f"the name {name!r}: expected ce- and the id of an attempt")
    fields = _container_fields(attempt)
    host = _picked(asked.pop("HostConfig", None) or {}, _host_fields(name, attempt, rules), faults)
    container = _picked(asked, fields, faults)
    if faults:
        raise RefusedError("; ".join(faults))
    return {**container, "HostConfig": host}


def is_attempts(found: Mapping[str, Any], name: str) -> bool:
    """Return whether an inspected container, or volume, is that of an attempt."""
    labels = found.get("Config", found).get("Labels") or {}
    return str(found["Name"]).lstrip("/") == name and labels.get(ATTEMPT) == name.removeprefix("ce-")


def is_runnable(found: Mapping[str, Any], rules: Rules) -> bool:
    """Return whether an inspected image was built from a module here, or has a name that is allowed."""
    return _is_built(found) or any(rules.is_module(tag) for tag in found.get("RepoTags") or ())


def is_left_over(found: Mapping[str, Any]) -> bool:
    """Return whether an inspected image was a module's and has no name any more."""
    return _is_built(found) and not found.get("RepoTags")


def _is_built(found: Mapping[str, Any]) -> bool:
    return CONTENT in ((found.get("Config") or {}).get("Labels") or {})


Test = Callable[[Any], bool]


def _container_fields(attempt: str) -> dict[str, Test]:
    def anything(_: Any) -> bool:
        return True

    return {
        "Image": _is_image,
        "User": lambda value: value == NOBODY,
        "Labels": lambda value: isinstance(value, dict) and value.get(ATTEMPT) == attempt,
        **dict.fromkeys(
            ("Entrypoint", "Cmd", "Env", "WorkingDir", "StopSignal", "AttachStdout", "AttachStderr"), anything
        ),
    }


def _host_fields(name: str, attempt: str, rules: Rules) -> dict[str, Test]:
    networks = {"none", "bridge"} if "network" in rules.allows else {"none"}
    return {
        "NetworkMode": lambda value: value in networks,
        "IpcMode": lambda value: value == "private",
        "ReadonlyRootfs": lambda value: value is True,
        "CapDrop": lambda value: value == ["ALL"],
        "SecurityOpt": lambda value: value == ["no-new-privileges"],
        "Memory": _is_limit,
        "MemorySwap": _is_limit,
        "NanoCpus": _is_limit,
        "PidsLimit": _is_limit,
        "Ulimits": _are_bounds,
        "Init": lambda value: value is True,
        "Tmpfs": lambda value: isinstance(value, dict) and set(value) == {"/tmp"},  # noqa: S108 - the container's own
        "LogConfig": lambda value: isinstance(value, dict) and value.get("Type") == "local",
        "Mounts": lambda value: _is_own_volume(value, name, attempt),
        "Runtime": lambda value: not value or value == rules.runtime,
        "DeviceRequests": lambda value: not value or ("gpu" in rules.allows and _are_gpus(value)),
    }


#: What may be absent; each other field makes the container's walls and must be there.
_OPTIONAL = frozenset(
    {"Cmd", "Env", "WorkingDir", "StopSignal", "AttachStdout", "AttachStderr", "Runtime", "DeviceRequests"}
)


def _picked(asked: Any, fields: Mapping[str, Test], faults: list[str]) -> dict[str, Any]:
    """Return the fields that are the engine's; what is anything else, and not empty, is a fault."""
    if not isinstance(asked, dict):
        faults.append(f"expected an object, got {type(asked).__name__}")
        return {}
    for key, value in asked.items():
        if value and (key not in fields or not fields[key](value)):
            faults.append(f"{_WHAT.get(key, 'what the engine never asks for')} ({key}: {json.dumps(value)[:200]})")
    faults += [f"{key} must be there" for key in fields if key not in _OPTIONAL and not asked.get(key)]
    return {key: asked[key] for key in fields if asked.get(key)}


def _are_bounds(value: Any) -> bool:
    """Whether only the size of a file is bounded."""
    return (
        isinstance(value, list)
        and [sorted(each) for each in value if isinstance(each, dict)] == [["Hard", "Name", "Soft"]]
        and all(each["Name"] == "fsize" and _is_limit(each["Soft"]) and _is_limit(each["Hard"]) for each in value)
    )


def _is_image(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(_IMAGE, value) is not None and not _UNCLEAN.search(value)


def _is_limit(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _is_own_volume(mounts: Any, name: str, attempt: str) -> bool:
    """Return whether it is the one volume of the attempt, without options of a driver: some of them bind the host."""
    if not isinstance(mounts, list) or len(mounts) != 1 or not isinstance(mounts[0], dict):
        return False
    options = mounts[0].get("VolumeOptions")
    fixed = {"Target": VOLUME, "Source": name, "Type": "volume", "ReadOnly": False, "VolumeOptions": options}
    return (
        mounts[0] == fixed
        and isinstance(options, dict)
        and set(options) == {"NoCopy", "Labels"}
        and options["Labels"].get(ATTEMPT) == attempt
    )


def _are_gpus(requests: Any) -> bool:
    return isinstance(requests, list) and all(
        isinstance(one, dict) and not one.get("Driver") and one.get("Capabilities") == [["gpu"]] for one in requests
    )


def _object(text: str | bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise RefusedError(f"{what}: not JSON ({error})") from error
    if not isinstance(found, dict):
        raise RefusedError(f"{what}: expected an object of JSON")
    return found
