"""Runs what may block in threads, and turns replies into bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, cast

from pydantic import TypeAdapter

from calculation_engine.api.context import Context
from calculation_engine.api.routes import Call, Content, Reply, Route
from calculation_engine.api.security import Guard

_ANY = TypeAdapter(Any)


@dataclass(frozen=True)
class Work:
    """What all requests share, and the threads in which they work."""

    context: Context
    guard: Guard
    paths: list[str]  #: all addresses, for hints

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function that may block in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self.context.pool, function, *arguments)

    def later(self, function: Callable[[], None]) -> None:
        """Run a function that may block, without waiting for it."""
        self.context.pool.submit(function)

    async def operate(self, route: Route, call: Call) -> tuple[Reply, bytes | None]:
        """Run a route's operation and return its reply, and the body of that, if it has one."""
        if iscoroutinefunction(route.operation):
            reply = await route.operation(call)
            return reply, await self.run(_encoded, reply)
        operation = cast("Callable[[Call], Reply]", route.operation)

        def work() -> tuple[Reply, bytes | None]:
            reply = operation(call)
            return reply, _encoded(reply)

        return cast("tuple[Reply, bytes | None]", await self.run(work))

    async def chunks(self, content: Content) -> AsyncGenerator[bytes]:
        """Yield what a reply streams; nothing more is made than is asked for."""
        if isinstance(content, AsyncGenerator):
            async for piece in content:
                yield piece
            return
        while (chunk := await self.run(next, content, None)) is not None:
            yield chunk

    async def close(self, content: Content) -> None:
        """Let go of what a stream holds open. Idempotent."""
        if isinstance(content, Generator):
            await self.run(content.close)
        else:
            await content.aclose()


def _encoded(reply: Reply) -> bytes | None:
    if reply.body is None or isinstance(reply.body, bytes):
        return reply.body
    return bytes(_ANY.dump_json(reply.body, indent=2)) + b"\n"
