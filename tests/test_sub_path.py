"""The page under a path of a site; in a real browser, behind nginx: tests/browser/test_proxy.py."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo.sub_path import ADD_SLASH, SubPath

PAGE = '<!doctype html><html><head>\n<base href="./"></head><body>“é”<head></body></html>'


@pytest.fixture
def client():
    def page(request):
        return HTMLResponse(PAGE)

    def data(request):
        return JSONResponse([PAGE, request.scope["root_path"]])

    def pieces(request):
        return StreamingResponse(iter(["a", "b" * 100_000, "c"]), media_type="text/plain")

    routes = [Route("/", page, methods=["GET", "POST"]), Route("/data", data), Route("/pieces", pieces)]
    with TestClient(Starlette(routes=routes, middleware=[Middleware(SubPath)])) as client:
        yield client


def test_the_browser_adds_the_slash_before_it_loads_anything(client):
    reply = client.get("/")
    assert reply.text == PAGE.replace("<head>", f"<head>{ADD_SLASH.decode()}", 1)
    assert int(reply.headers["content-length"]) == len(reply.content)


def test_nothing_else_is_changed(client):
    assert client.post("/").text == PAGE
    assert client.head("/").headers["content-length"] == str(len(PAGE.encode()))
    assert client.get("/data").json() == [PAGE, ""]
    assert client.get("/pieces").text == "a" + "b" * 100_000 + "c"
    assert client.get("/none").status_code == 404


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        ("/garments", "/garments"),
        ("/garments/", "/garments"),
        ("/a-b/c_d.e~f", "/a-b/c_d.e~f"),
        ("", ""),
        ("/", ""),
        ("garments", ""),
        ("//evil.example", ""),
        ("https://evil.example", ""),
        ("/a b", ""),
        ("/<script>", ""),
        ("/a?b", ""),
        ("/é", ""),
    ],
)
def test_the_path_that_the_proxy_took_away_is_told_if_it_is_one(client, prefix, path):
    assert client.get("/data", headers={"X-Forwarded-Prefix": prefix.encode()}).json()[1] == path


def test_gradio_serves_its_page_under_that_path(served_page):
    assert ADD_SLASH in httpx.get(served_page.url).content
    config = httpx.get(f"{served_page.url}config", headers={"X-Forwarded-Prefix": "/garments"}).json()
    assert config["root"] == f"{served_page.url}garments"
    assert httpx.get(f"{served_page.url}config").json()["root"] == served_page.url.rstrip("/")
