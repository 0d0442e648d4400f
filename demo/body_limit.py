"""HTTP requests that are too large, or beside too many, are refused before anything reads them."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """ASGI middleware that refuses a request which is too large (413), and one beside too many under way (503).

    (Gradio reads the whole of what is sent to a server function into memory, whatever its size.)
    """

    def __init__(self, app: ASGIApp, max_bytes: int, max_bytes_under_way: int) -> None:
        self.app, self.max_bytes, self.max_bytes_under_way = app, max_bytes, max_bytes_under_way
        self.under_way = 0  # bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if int(dict(scope["headers"]).get(b"content-length", b"0")) > self.max_bytes:
            return await _refuse(self._too_large(), scope, receive, send)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            size = len(message.get("body", b""))
            received += size
            self.under_way += size
            if received > self.max_bytes:
                raise self._too_large()
            if self.under_way > self.max_bytes_under_way:
                raise _Refused(503, "Too much is being sent to this server just now. Try again in a moment.")
            return message

        try:
            await self.app(scope, counted, send)
        except _Refused as refused:
            await _refuse(refused, scope, receive, send)
        finally:
            self.under_way -= received

    def _too_large(self) -> "_Refused":
        return _Refused(413, f"The request is larger than {self.max_bytes // 2**20} MB.")


async def _refuse(refused: "_Refused", scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"error": refused.sentence}, status_code=refused.status)(scope, receive, send)


class _Refused(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence
