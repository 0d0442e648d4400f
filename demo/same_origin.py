"""Pages of other sites may not use this server through their visitors' browsers, unless its host allows them.

(Gradio answers pages of every origin, and takes a plain-text POST, which a browser sends without asking first.)
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SameOrigin:
    """ASGI middleware that refuses requests which a browser sends for a page of another origin (403).

    What does not come from a page, as that of a program, names no origin and is served. Replies tell the browser who
    may show the page in a frame, to take files for nothing but what they are said to be, and to keep addresses to
    itself.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str] = ()) -> None:
        """``allowed`` are further origins: "https://example.org"."""
        self.app, self.allowed = app, frozenset(each.rstrip("/").lower() for each in allowed)
        self.policy = " ".join(["frame-ancestors", "'self'", *sorted(self.allowed)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        if not self._may(headers):
            refusal = JSONResponse({"error": "Pages of other sites may not use this server."}, status_code=403)
            return await refusal(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                reply = MutableHeaders(scope=message)
                reply["X-Content-Type-Options"] = "nosniff"
                reply["Referrer-Policy"] = "same-origin"
                reply["Content-Security-Policy"] = self.policy
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _may(self, headers: Headers) -> bool:
        origin = headers.get("origin", "").lower()
        if not origin or origin in self.allowed:
            return True
        # Behind a proxy, the name by which the browser knows this server is in the second.
        hosts = {headers.get(name, "").split(",")[0].strip().lower() for name in ("host", "x-forwarded-host")}
        return urlsplit(origin).netloc in hosts - {""}
