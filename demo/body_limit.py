"""HTTP requests that are too large, too slow, or beside too many, are refused before anything reads them."""

import asyncio
from collections import deque
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALL: Final = 2**16  # bytes; a drawing has a few thousand


class BodyLimit:
    """ASGI middleware that takes in the body of a request and only then passes the request on.

    One that is too large is refused (413; ``max_bytes`` in the scope says where less is allowed), one that pauses for
    too long (408), and one beside too many under way (503), unless it is small: a drawing is never refused for the
    files that others send.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, max_bytes_under_way: int, max_pause: float) -> None:
        """``max_pause`` is in seconds, from one piece of a body to the next."""
        self.app, self.max_bytes, self.max_bytes_under_way = app, max_bytes, max_bytes_under_way
        self.max_pause = max_pause
        self.under_way = 0  # bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        max_bytes = min(self.max_bytes, scope.get("max_bytes", self.max_bytes))  # less at some addresses
        if int(dict(scope["headers"]).get(b"content-length", b"0")) > max_bytes:
            return await _refuse(_too_large(max_bytes), scope, receive, send)
        body: deque[Message] = deque()
        received = 0
        try:
            while not body or body[-1].get("more_body", False):
                message = await self._next(receive)
                if message["type"] == "http.disconnect":
                    return None  # there is nobody to answer
                size = len(message.get("body", b""))
                received += size
                self.under_way += size
                if received > max_bytes:
                    raise _too_large(max_bytes)
                if received > SMALL and self.under_way > self.max_bytes_under_way:
                    raise _Refused(503, "Too much is being sent to this server just now. Try again in a moment.")
                body.append(message)

            async def replay() -> Message:
                return body.popleft() if body else await receive()

            await self.app(scope, replay, send)
        except _Refused as refused:
            await _refuse(refused, scope, receive, send)
        finally:
            self.under_way -= received

    async def _next(self, receive: Receive) -> Message:
        try:
            return await asyncio.wait_for(receive(), self.max_pause)
        except asyncio.TimeoutError:  # the built-in TimeoutError since Python 3.11
            raise _Refused(408, "The request stopped half-way. Try again.") from None


async def _refuse(refused: "_Refused", scope: Scope, receive: Receive, send: Send) -> None:
    # What is still to come of the body is not waited for.
    headers = {"connection": "close"}
    await JSONResponse({"error": refused.sentence}, refused.status, headers)(scope, receive, send)


def _too_large(max_bytes: int) -> "_Refused":
    size = f"{max_bytes // 2**20} MB" if max_bytes >= 2**20 else f"{max_bytes // 2**10} kB"
    return _Refused(413, f"The request is larger than {size}.")


class _Refused(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence
