"""GET /health: whether the page can answer, for what watches over it: a proxy, a container engine, a monitor."""

from concurrent.futures import Future
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from demo.handlers import Handlers


def health_route(handlers: "Future[Handlers]") -> Route:
    """200 once the networks are loaded, and 503 before; neither waits for anything."""

    async def health(request: Request) -> JSONResponse:
        is_ready = handlers.done() and not handlers.cancelled()
        status = 200 if is_ready else 503
        return JSONResponse({"ready": is_ready}, status, headers={"Cache-Control": "no-store"})

    return Route("/health", health)
