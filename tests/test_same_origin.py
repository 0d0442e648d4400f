"""Who may use the server from a browser, and what replies tell the browser."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo.same_origin import SameOrigin

REFUSED = {"error": "Pages of other sites may not use this server."}


@pytest.fixture
def client():
    async def serve(request: Request) -> JSONResponse:
        return JSONResponse("done")

    middleware = [Middleware(SameOrigin, allowed=["https://School.example/"])]
    service = Starlette(routes=[Route("/", serve, methods=["GET", "POST"])], middleware=middleware)
    with TestClient(service, base_url="http://page.example:7860") as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {},  # a program, or a visitor who types the address
        {"origin": "http://page.example:7860"},
        {"origin": "HTTP://PAGE.example:7860"},
        {"origin": "https://school.example"},
        {"origin": "https://public.example", "x-forwarded-host": "public.example"},
        {"origin": "https://public.example", "x-forwarded-host": "public.example, inner.example"},
    ],
)
def test_the_page_itself_programs_and_allowed_sites_are_served(client, headers):
    for ask in (client.get, client.post):
        assert ask("/", headers=headers).json() == "done"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://page.example", "http://page.example:7861", "null", "http://page.example:7860.evil.example",
     "https://school.example.evil.example", "http://school.example"],
)  # fmt: skip
def test_pages_of_other_sites_are_refused(client, origin):
    for ask in (client.get, client.post):
        reply = ask("/", headers={"origin": origin})
        assert (reply.status_code, reply.json()) == (403, REFUSED)
    assert client.post("/", headers={"origin": origin}, content="plain").status_code == 403


def test_replies_say_who_may_show_them_in_a_frame_and_what_they_are(client):
    headers = client.get("/").headers
    assert headers["content-security-policy"] == "frame-ancestors 'self' https://school.example"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
