"""Stands between the engine and the host's Docker: passes on the calls that the engine makes, refuses all others.

It listens on a socket in a volume that only the engine mounts, has no network, and keeps nothing. What is allowed is in
``rules.py``; this is how it is asked and answered.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, UnixConnector, web
from rules import (
    Call,
    RefusedError,
    Rules,
    checked_container,
    checked_query,
    find_call,
    is_attempts,
    is_left_over,
    is_runnable,
)

DOCKER = Path("/var/run/docker.sock")
LISTEN = Path("/run/engine/docker.sock")
NOBODY = 65534
_BODY_BYTES = 1 << 20  #: of a container's description; files and build contexts stream by
_HEADERS = ("Content-Type", "X-Registry-Auth", "X-Registry-Config")
_ANSWERED = (
    "Content-Type",
    "Content-Length",
    "Api-Version",
    "Docker-Experimental",
    "Ostype",
    "X-Docker-Container-Path-Stat",
)
RULES = web.AppKey("RULES", Rules)
SESSION = web.AppKey("SESSION", ClientSession)


async def answer(request: web.Request) -> web.StreamResponse:
    """Pass on one request, or say why not."""
    try:
        query = {name: request.query.getone(name) for name in request.query}  # the first; and that is what goes on
        call, named = find_call(request.method, request.rel_url.raw_path, query)
        query = checked_query(call, query, request.app[RULES])
        body = await checked_body(request, call, query.get("name", ""))
        await check_owned(request.app, call, named)
        return await passed_on(request, query, body)
    except RefusedError as error:
        print(f"refused: {request.method} {request.rel_url.raw_path}: {error}", file=sys.stderr, flush=True)
        return told(403, f"refused by the socket proxy: {error}")
    except ClientError as error:
        return told(502, f"the socket proxy has no answer from Docker: {error}")


async def checked_body(request: web.Request, call: Call, name: str) -> bytes | None:
    """Return the body that goes on in place of the request's; None: the request's own."""
    if call.about != "create":
        return None
    container = checked_container(await request.read(), name, request.app[RULES])
    image = await found(request.app, f"/images/{container['Image']}/json")
    if image is not None and not is_runnable(image, request.app[RULES]):
        raise RefusedError(f"the image {container['Image']} is no module's")
    volume = await found(request.app, f"/volumes/{name}")
    if volume is not None and not is_attempts(volume, name):
        raise RefusedError(f"the volume {name} is there, and is not the engine's")
    return json.dumps(container).encode()


async def check_owned(app: web.Application, call: Call, named: dict[str, str]) -> None:
    """Refuse what is there and is not the engine's; what is not there Docker itself says."""
    if call.about in {"container", "volume"}:
        kind = "/containers/{}/json" if call.about == "container" else "/volumes/{}"
        one = await found(app, kind.format(named["name"]))
        if one is not None and not is_attempts(one, named["name"]):
            raise RefusedError(f"the {call.about} {named['name']} is not the engine's")
    elif call.about in {"image", "left over"}:
        image = await found(app, f"/images/{named['image']}/json")
        if image is not None and not is_runnable(image, app[RULES]):
            raise RefusedError(f"the image {named['image']} is no module's")
        if image is not None and call.about == "left over" and not is_left_over(image):
            raise RefusedError(f"the image {named['image']} has a name, and stays")


async def found(app: web.Application, path: str) -> dict[str, object] | None:
    """Return what Docker knows of something; None: nothing."""
    async with app[SESSION].get(f"http://docker{path}") as response:
        if response.status == 404:
            return None
        response.raise_for_status()
        content: dict[str, object] = await response.json()
        return content


async def passed_on(request: web.Request, query: dict[str, str], body: bytes | None) -> web.StreamResponse:
    """Send a request on to Docker, and its answer back, both as they come."""
    headers = {name: request.headers[name] for name in _HEADERS if name in request.headers}
    headers["Accept-Encoding"] = "identity"  # what Docker would compress for this client, the engine may not know
    sent = body if body is not None else request.content.iter_any() if request.can_read_body else None
    address = f"http://docker{request.rel_url.raw_path}"
    async with request.app[SESSION].request(
        request.method, address, params=query, data=sent, headers=headers
    ) as response:
        kept = {name: response.headers[name] for name in _ANSWERED if name in response.headers}
        back = web.StreamResponse(status=response.status, reason=response.reason, headers=kept)
        await back.prepare(request)
        async for piece in response.content.iter_any():
            await back.write(piece)
        await back.write_eof()
        return back


def told(status: int, message: str) -> web.Response:
    """Return an error as Docker words its own."""
    return web.json_response({"message": message}, status=status)


def listening() -> socket.socket:
    """Return the engine's socket, and become nobody with the group of Docker's."""
    LISTEN.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(LISTEN))
    LISTEN.chmod(0o666)
    status = DOCKER.stat()
    if os.getuid() == 0 and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        os.setgroups([status.st_gid])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    return listener


def make_application(rules: Rules) -> web.Application:
    """Return the proxy."""
    app = web.Application(client_max_size=_BODY_BYTES)
    app[RULES] = rules
    app.router.add_route("*", "/{path:.*}", answer)

    async def session(app: web.Application):  # type: ignore[no-untyped-def]
        connector = UnixConnector(str(DOCKER), limit=0)
        timeout = ClientTimeout(total=None, sock_connect=10)
        async with ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as opened:
            app[SESSION] = opened
            yield

    app.cleanup_ctx.append(session)
    return app


def main() -> None:
    """Serve until SIGTERM."""
    rules = Rules(
        images=tuple(os.environ.get("PROXY_IMAGES", "calculation-engine/*").replace(",", " ").split()),
        allows=frozenset(os.environ.get("PROXY_ALLOWS", "build").replace(",", " ").split()),
        runtime=os.environ.get("PROXY_RUNTIME", ""),
    )
    web.run_app(
        make_application(rules),
        sock=listening(),
        access_log=None,
        print=None,
        shutdown_timeout=2,
        handler_cancellation=True,
    )


if __name__ == "__main__":
    main()
