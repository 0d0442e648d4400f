"""Which addresses this server answers: of all that Gradio has, only those that the page and its API need."""

import re
from pathlib import Path
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

CALL_BYTES: Final = 8 * 2**10  # of a request to the API, which names a file that was uploaded before

READ: Final = (  # addresses for GET and HEAD, as regular expressions
    "/",
    "/config/?",
    "/health",
    "/theme.css",
    "/favicon.ico",
    "/robots.txt",
    "/(assets|static)/.*",
    "/widgets/.*",
    # The API, and what clients of it ask before and after.
    "/gradio_api/(info|openapi.json|app_id|startup-events)/?",
    "/gradio_api/theme.css",
    r"/gradio_api/heartbeat/[\w-]{1,64}",
    "/gradio_api/queue/(data|status)",
    "/gradio_api/upload_progress",
    r"/gradio_api/call/(v2/)?predict/[\w-]{1,64}",
)
WRITE: Final = {  # addresses for POST, and how many bytes may be sent there; None: as many as to any
    "/actions/.*": None,
    "/gradio_api/upload/?": None,
    "/gradio_api/queue/join/?": CALL_BYTES,
    "/gradio_api/call/(v2/)?predict/?": CALL_BYTES,
    "/gradio_api/(cancel|reset)/?": CALL_BYTES,
}


class AllowedRoutes:
    """ASGI middleware that has nothing at any other address (404), so that a new one of Gradio's is closed at first.

    It notes in the scope, as ``max_bytes``, how much may be sent to the address: what is sent to its API Gradio keeps
    in memory until the answer is fetched.
    """

    def __init__(self, app: ASGIApp, static: Path) -> None:
        """``static`` is the folder whose files may be had."""
        self.app = app
        files = rf"/gradio_api/file={re.escape(static.as_posix())}/\w[\w.-]*"
        self.read = re.compile("|".join((*READ, files)))
        self.write = [(re.compile(address), max_bytes) for address, max_bytes in WRITE.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            path = scope["path"].removeprefix(scope.get("root_path", ""))  # of a proxy that takes nothing away
            found, max_bytes = self._find(scope["method"], path or "/")
            if not found:
                return await JSONResponse({"error": "There is nothing here."}, 404)(scope, receive, send)
            if max_bytes is not None:
                scope["max_bytes"] = max_bytes
        elif scope["type"] == "websocket":
            return await send({"type": "websocket.close"})  # the page has none
        await self.app(scope, receive, send)

    def _find(self, method: str, path: str) -> tuple[bool, int | None]:
        if method in ("GET", "HEAD"):
            return self.read.fullmatch(path) is not None, None
        if method == "POST":
            return next(((True, max_bytes) for each, max_bytes in self.write if each.fullmatch(path)), (False, None))
        return method == "OPTIONS", None  # answered by middleware, whatever the address
