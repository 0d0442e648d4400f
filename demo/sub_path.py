"""The page may lie under a path of a site, as https://example.org/garments/, where a proxy takes that path away.

The addresses in the page are relative to its own, so that it must be asked for with the slash at the end: without it,
/garments, all that it loads is looked for one level too high. The proxy leaves the server nothing to tell the two apart
by; the browser can. What Gradio needs to know of the path, the proxy tells in X-Forwarded-Prefix.
"""

import re
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH: Final = re.compile(r"(/[\w.~-]+)+", re.ASCII)
ADD_SLASH: Final = (
    b'<script>if (!location.pathname.endsWith("/")) '
    b'location.replace(location.pathname + "/" + location.search + location.hash);</script>'
)


class SubPath:
    """ASGI middleware that tells Gradio the path, and has the browser add a missing slash before it loads anything."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        prefix = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
        if PATH.fullmatch(prefix):
            scope["root_path"] = prefix
        start: Message = {}

        async def send_with_script(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                is_page = MutableHeaders(scope=message).get("content-type", "").startswith("text/html")
                if is_page and scope["method"] == "GET":
                    start = message  # kept until its length is known
                    return
            elif start:
                message["body"] = message["body"].replace(b"<head>", b"<head>" + ADD_SLASH, 1)
                MutableHeaders(scope=start)["content-length"] = str(len(message["body"]))
                await send(start)
                start = {}
            await send(message)

        await self.app(scope, receive, send_with_script)
