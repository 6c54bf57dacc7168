"""Who may ask: allowed hosts, no foreign web page, and tokens where others can reach the server."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from calculation_engine.errors import Fault, Forbidden, InvalidInput, Unauthorized
from calculation_engine.settings import Settings

#: Whose the jobs are where no tokens are used.
LOCAL_OWNER = "local"

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY_ADDRESS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound to
_OWN_SITES = frozenset({"same-origin", "none"})
_SHORTEST_TOKEN = 16


class Guard:
    """Decides for each request whether it is answered, and for whom."""

    def __init__(self, settings: Settings) -> None:
        own = frozenset() if settings.host in _ANY_ADDRESS else frozenset({settings.host.lower()})
        self._hosts = _LOOPBACK | own | {host.lower() for host in settings.allowed_hosts}
        self._origins = frozenset(origin.rstrip("/").lower() for origin in settings.allowed_origins)
        self._owners = read_tokens(settings.tokens_file) if settings.tokens_file else None

    @property
    def uses_tokens(self) -> bool:
        """Whether each owner sees only what is theirs."""
        return self._owners is not None

    def check_source(self, headers: Mapping[str, str], *, linked: bool = False) -> None:
        """Return when the request came under an allowed name, and not from a web page elsewhere.

        A page that makes its own name point to this machine is told by ``Host``; any other page by ``Origin`` or
        ``Sec-Fetch-Site``, which browsers send and pages cannot change. Where ``linked`` says so, a person may follow
        a link from any page: the browser then leaves that page, which reads nothing.

        Raises:
            Forbidden: otherwise.
        """
        host = headers.get("Host", "")
        if _host_name(host) not in self._hosts:
            raise Forbidden(
                f"the server is not known under the host name {host!r}",
                hint="ask it under an allowed one, or add this one to the setting allowed_hosts (CE_ALLOWED_HOSTS)",
            )
        origin = headers.get("Origin")
        if origin is None:
            followed = (
                linked and headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
            )
            foreign = headers.get("Sec-Fetch-Site", "none") not in _OWN_SITES and not followed
        else:
            foreign = not self.allows_origin(origin) and urlsplit(origin).netloc.lower() != host.lower()
        if foreign:
            raise Forbidden(
                f"web pages of {origin or 'another site'} may not use this server",
                hint="add the page's origin to the setting allowed_origins (CE_ALLOWED_ORIGINS)",
            )

    def allows_origin(self, origin: str) -> bool:
        """Return whether pages of that origin elsewhere may use the server."""
        return origin.rstrip("/").lower() in self._origins

    def origin_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of a reply that let an allowed page elsewhere read it."""
        origin = headers.get("Origin")
        if origin is None or not self.allows_origin(origin):
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, Last-Event-ID, Range",
            "Access-Control-Expose-Headers": "Content-Disposition, Content-Range, ETag, Location",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }

    def find_owner(self, headers: Mapping[str, str]) -> str:
        """Return for whom the request is.

        Raises:
            Unauthorized: tokens are used, and the request has none, or a wrong one.
        """
        if self._owners is None:
            return LOCAL_OWNER
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("a token is required", hint="send the header `Authorization: Bearer TOKEN`")
        given = _digest(token.strip())
        owner = None
        for digest, name in self._owners.items():  # all of them, so that the time tells nothing
            if hmac.compare_digest(digest, given):
                owner = name
        if owner is None:
            raise Unauthorized("the token is not known", hint="ask the administrator of the server for a valid one")
        return owner


def read_tokens(path: Path) -> dict[bytes, str]:
    """Return the digest of each token and its owner, from a file with one ``owner:token`` a line.

    Raises:
        InvalidInput: the file cannot be read, or lines of it are wrong; each is named.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"tokens_file: {path} cannot be read: {error}") from error
    owners: dict[bytes, str] = {}
    faults = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        owner, _, token = (part.strip() for part in line.partition(":"))
        if not owner or len(token) < _SHORTEST_TOKEN:
            faults.append(
                Fault(f"line {number}", f"expected owner:token, with a token of at least {_SHORTEST_TOKEN} characters")
            )
        elif _digest(token) in owners:
            faults.append(Fault(f"line {number}", "the token is in the file already"))
        else:
            owners[_digest(token)] = owner
    if not owners and not faults:
        faults.append(Fault("", "it has no token"))
    if faults:
        raise InvalidInput(f"tokens_file: {path} cannot be used", faults=faults)
    return owners


def _host_name(host: str) -> str:
    """Return the name in a Host header, without port and without the brackets of an IPv6 address."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
