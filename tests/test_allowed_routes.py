"""Which addresses are open; that they are those of Gradio that the page needs: test_page."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from demo.allowed_routes import CALL_BYTES, AllowedRoutes

STATIC = Path("/tmp/page (1)")


@pytest.fixture(scope="module")
def client():
    """A client of a service that has everything, and says how much it takes."""

    async def serve(request: Request) -> JSONResponse:
        return JSONResponse(request.scope.get("max_bytes", "any"))

    routes = [Route("/{path:path}", serve, methods=["GET", "HEAD", "POST", "PUT", "DELETE"])]
    with TestClient(Starlette(routes=routes, middleware=[Middleware(AllowedRoutes, STATIC)])) as client:
        yield client


@pytest.mark.parametrize(
    "address",
    ["/", "/config", "/assets/index-1.js", "/static/img/logo.svg", "/widgets/0/pad/pad.js", "/gradio_api/info",
     "/gradio_api/queue/data?session_hash=abc", "/gradio_api/call/predict/0f", "/gradio_api/call/v2/predict/0f",
     "/gradio_api/heartbeat/abc", f"/gradio_api/file={STATIC}/samples.png"],
)  # fmt: skip
def test_what_is_read(client, address):
    assert client.get(address).json() == "any"
    assert client.head(address).status_code == 200
    for method in ("PUT", "DELETE"):
        assert client.request(method, address).status_code == 404


@pytest.mark.parametrize(
    ("address", "max_bytes"),
    [("/actions/answer", "any"), ("/gradio_api/upload", "any"), ("/gradio_api/queue/join", CALL_BYTES),
     ("/gradio_api/queue/join/", CALL_BYTES), ("/gradio_api/call/predict", CALL_BYTES),
     ("/gradio_api/cancel", CALL_BYTES)],
)  # fmt: skip
def test_where_something_may_be_sent_and_how_much(client, address, max_bytes):
    assert client.post(address).json() == max_bytes
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "address",
    ["/docs", "/gradio_api/component_server", "/gradio_api/proxy=x", "/gradio_api/run/predict", "/gradio_api/vibe-edit",
     "/config/more", "/actions", "/gradio_api/call/other", "/gradio_api/heartbeat/" + "x" * 65, "/monitoring",
     "/gradio_api/file=/etc/passwd", f"/gradio_api/file={STATIC}", f"/gradio_api/file={STATIC}/../x.png",
     f"/gradio_api/file={STATIC}/.hidden", f"/gradio_api/file={STATIC}/a/b", f"/gradio_api/file={STATIC}-more/x.png",
     "/gradio_api/file=https://example.org/x.png", "//config", "/CONFIG"],
)  # fmt: skip
def test_everything_else_is_closed(client, address):
    for method in ("GET", "POST"):
        reply = client.request(method, f"http://testserver{address}")
        assert (reply.status_code, reply.json()) == (404, {"error": "There is nothing here."})


def test_there_are_no_web_sockets(client):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws"):
        pass
