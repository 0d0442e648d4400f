"""HTTP requests that are too large, too slow, or beside too many, are refused before anything reads them."""

import asyncio
from collections import deque

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """ASGI middleware that takes in the body of a request and only then passes the request on.

    One that is too large is refused (413), one that pauses for too long (408), and one beside too many under way (503).

    (Gradio reads the whole of what is sent to a server function into memory, whatever its size and however slowly it
    comes; and a refusal while it reads becomes a refusal of its own, in other words.)
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
        if int(dict(scope["headers"]).get(b"content-length", b"0")) > self.max_bytes:
            return await _refuse(self._too_large(), scope, receive, send)
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
                if received > self.max_bytes:
                    raise self._too_large()
                if self.under_way > self.max_bytes_under_way:
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

    def _too_large(self) -> "_Refused":
        return _Refused(413, f"The request is larger than {self.max_bytes // 2**20} MB.")


async def _refuse(refused: "_Refused", scope: Scope, receive: Receive, send: Send) -> None:
    # What is still to come of the body is not waited for.
    headers = {"connection": "close"}
    await JSONResponse({"error": refused.sentence}, refused.status, headers)(scope, receive, send)


class _Refused(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence
