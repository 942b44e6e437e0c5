"""The recipes as they are, but for a header that says which worker an answer is from."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from typing import Any

HEADER = "x-worker"
Message = MutableMapping[str, Any]


def wsgi(application: Any) -> Callable[..., Any]:
    def answer(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, (HEADER, str(os.getpid()))], *rest)

        return application(environ, start)

    return answer


def flask() -> Callable[..., Any]:
    return wsgi(import_module("flask_app").app)


def django() -> Callable[..., Any]:
    return wsgi(import_module("django_app").application)


def fastapi() -> Callable[..., Awaitable[None]]:
    application = import_module("fastapi_app").app

    async def answer(scope: Any, receive: Any, send: Callable[[Message], Awaitable[None]]) -> None:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER.encode(), str(os.getpid()).encode())]
            await send(message)

        await application(scope, receive, tell)

    return answer
