"""Listens on the address that the settings name."""

from __future__ import annotations

import socket

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from calculation_engine.errors import InvalidInput
from calculation_engine.settings import Settings

_CHUNK_BYTES = 1 << 18


def listen(application: Application, settings: Settings) -> tuple[HTTPServer, str]:
    """Begin to answer requests in the running event loop; return the server and its address.

    Raises:
        InvalidInput: the address is taken, or not this machine's.
    """
    try:
        sockets = bind_sockets(settings.port, settings.host)
    except OSError as error:
        hint = "choose another with --port; 0 takes any free one"
        raise InvalidInput(
            f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}", hint=hint
        ) from error
    server = HTTPServer(application, chunk_size=_CHUNK_BYTES)
    server.add_sockets(sockets)
    host, port = sockets[0].getsockname()[:2]
    return server, f"http://[{host}]:{port}" if sockets[0].family == socket.AF_INET6 else f"http://{host}:{port}"
