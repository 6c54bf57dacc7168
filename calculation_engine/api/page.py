"""The page: files that a browser gets as they are. They hold nothing of any job; what they show comes from the API."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from importlib.resources.abc import Traversable

from calculation_engine.api.routes import Call, Reply, Returns, Route
from calculation_engine.errors import NotFound

_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_INDEX, _FRAME = "index.html", "frame.html"
#: The page runs its own scripts alone, asks its own server alone, and makes no script or markup out of text.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


def page_routes() -> list[Route]:
    """Return the routes of the page; they need no token, as a browser sends none for them."""
    contents = {path: file.read_bytes() for path, file in _walk(files("calculation_engine") / "web")}
    replies = {path: _reply(path, content) for path, content in contents.items()}

    def show_page(call: Call) -> Reply:
        """Answer the page."""
        return replies[_INDEX]

    def show_page_file(call: Call) -> Reply:
        """Answer a file that the page consists of."""
        path = call.path["path"]
        if path not in replies:
            raise NotFound(f"the page has no file {path!r}")
        return replies[path]

    returns = {200: Returns("A file of the page.", media_type="text/html")}
    return [
        Route("GET", "/", show_page, tag="page", summary="Open the page", returns=returns, open=True, linked=True),
        Route("GET", "/web/{path}", show_page_file, tag="page", summary="Get its files", returns=returns, open=True),
    ]


def _walk(folder: Traversable, prefix: str = "") -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name.rpartition(".")[2] in _TYPES:
            found.append((prefix + entry.name, entry))
    return found


def _reply(path: str, content: bytes) -> Reply:
    policy = _frame_policy(content) if path == _FRAME else _PAGE_POLICY
    headers = {"Content-Type": _TYPES[path.rpartition(".")[2]], "Content-Security-Policy": policy}
    return Reply(content, headers=headers)


def _frame_policy(content: bytes) -> str:
    """Return the policy of the frame that shows a module's report: an origin of its own, one script, no network."""
    script = re.search(rb"<script>(.*?)</script>", content, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1]).digest()).decode()
    return (
        f"sandbox allow-scripts; default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    )
