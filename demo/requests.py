"""A request of the page and the reply to it, both plain JSON; and how a handler becomes what Gradio serves."""

import functools
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fmnist_core.errors import FmnistError

Request = dict[str, Any]
Reply = dict[str, Any]

MOST_SENT: Final = 30 * 2**20  # bytes of a request: a file of 20 MB in base64, and what goes with it
MOST_BATCH: Final = 1024  # images in a visitor's batch: the deep network keeps about 0.8 MB of each, made ones included


class BodyLimit:
    """ASGI middleware that refuses what is too large with status 413, before anything is made of it.

    (Gradio reads the whole of what is sent to a server function into memory, whatever its size.)
    """

    def __init__(self, app: ASGIApp, most: int = MOST_SENT) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if int(dict(scope["headers"]).get(b"content-length", b"0")) > self.most:
            return await self._refuse(scope, receive, send)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.most:
                raise _TooLarge
            return message

        try:
            await self.app(scope, counted, send)
        except _TooLarge:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        sentence = f"The request is larger than {self.most // 2**20} MB."
        await JSONResponse({"error": sentence}, status_code=413)(scope, receive, send)


class _TooLarge(Exception):
    """More was sent than a request may hold."""


class BadRequest(FmnistError):
    """The request is not one that the page sends."""


def served(method: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """A handler as Gradio's server function: what a visitor can do something about is answered as a sentence.

    (Gradio swallows the exceptions of server functions, and marks them with an attribute, which methods refuse.)
    """

    @functools.wraps(method)
    def function(request: Request) -> Reply:
        try:
            if not isinstance(request, dict):
                raise BadRequest("The request is not of the form that the page sends.")
            return method(request)
        except FmnistError as error:
            return {"error": str(error)}

    return function


def served_later(handlers: "Future[Any]", name: str) -> Callable[[Request], Reply]:
    """The handler of that name as a server function that waits until there are handlers."""

    def method(request: Request) -> Reply:
        reply: Reply = getattr(handlers.result(), name)(request)
        return reply

    method.__name__ = name  # by which the browser calls it
    return served(method)
