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

MAX_SENT: Final = 30 * 2**20  # bytes of a request: a file of 20 MB in base64, and what goes with it
MAX_AT_ONCE: Final = 10 * MAX_SENT  # bytes of all requests that are under way
MAX_BATCH: Final = 1024  # images in a visitor's batch: the deep network keeps about 1.7 MB of each, made ones included


class BodyLimit:
    """ASGI middleware that refuses a request which is too large (413), and one beside too many that are (503).

    (Gradio reads the whole of what is sent to a server function into memory, whatever its size.)
    """

    def __init__(self, app: ASGIApp, most: int = MAX_SENT, at_once: int = MAX_AT_ONCE) -> None:
        self.app, self.most, self.at_once = app, most, at_once
        self.under_way = 0  # bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if int(dict(scope["headers"]).get(b"content-length", b"0")) > self.most:
            return await _refuse(self._too_large(), scope, receive, send)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            size = len(message.get("body", b""))
            received += size
            self.under_way += size
            if received > self.most:
                raise self._too_large()
            if self.under_way > self.at_once:
                raise _Refused(503, "Too much is sent to this server just now. Try again in a moment.")
            return message

        try:
            await self.app(scope, counted, send)
        except _Refused as refused:
            await _refuse(refused, scope, receive, send)
        finally:
            self.under_way -= received

    def _too_large(self) -> "_Refused":
        return _Refused(413, f"The request is larger than {self.most // 2**20} MB.")


async def _refuse(refused: "_Refused", scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"error": refused.sentence}, status_code=refused.status)(scope, receive, send)


class _Refused(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


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
