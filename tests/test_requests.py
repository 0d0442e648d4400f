import asyncio
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, TimeoutError
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo.requests import BadRequest, BodyLimit, served, served_later

DEADLINE = 60.0


def echo(request):
    return {"heard": request["said"]}


def refuse(request):
    raise BadRequest("No.")


def test_served_keeps_the_name_that_the_page_calls():
    assert served(echo).__name__ == "echo"
    assert served_later(Future(), "echo").__name__ == "echo"


def test_served_answers_with_a_sentence():
    assert served(echo)({"said": 5}) == {"heard": 5}
    assert served(refuse)({}) == {"error": "No."}
    assert "form" in served(echo)(None)["error"]


def test_served_does_not_hide_bugs():
    def broken(request):
        raise KeyError("a bug of ours")

    with pytest.raises(KeyError):
        served(broken)({})


def test_requests_wait_for_the_handlers():
    later = Future()
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(served_later(later, "echo"), {"said": "early"})
        with pytest.raises(TimeoutError):
            reply.result(0.2)
        later.set_result(SimpleNamespace(echo=echo))
        assert reply.result(DEADLINE) == {"heard": "early"}
    assert served_later(later, "echo")({"said": "late"}) == {"heard": "late"}


def test_requests_do_not_wait_for_handlers_that_never_come():
    later = Future()
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(served_later(later, "echo"), {"said": "early"})
        later.cancel()
        with pytest.raises(CancelledError):
            reply.result(DEADLINE)


@pytest.fixture
def limited():
    """A client of a service that says how much it got, of at most a megabyte."""

    async def count(request: Request) -> JSONResponse:
        return JSONResponse(len(await request.body()))

    service = Starlette(routes=[Route("/", count, methods=["POST"])], middleware=[Middleware(BodyLimit, most=2**20)])
    with TestClient(service) as client:
        yield client


def in_pieces(size):
    """A body whose length nobody is told before."""
    for start in range(0, size, 1000):
        yield bytes(min(1000, size - start))


@pytest.mark.parametrize("form", [bytes, in_pieces])
def test_what_is_too_large_is_refused_before_it_is_read(limited, form):
    assert limited.post("/", content=form(2**20)).json() == 2**20
    reply = limited.post("/", content=form(2**20 + 1))
    assert (reply.status_code, reply.json()) == (413, {"error": "The request is larger than 1 MB."})
    assert limited.post("/", content=b"12345").json() == 5


def test_too_much_at_once_is_refused_until_some_of_it_is_answered():
    statuses = []

    async def exercise():
        read, go_on = asyncio.Event(), asyncio.Event()

        async def slow(scope, receive, send):
            await receive()
            read.set()
            await go_on.wait()
            await JSONResponse("done")(scope, receive, send)

        limit = BodyLimit(slow, most=100, at_once=150)

        async def ask(name):
            async def send(message):
                if message["type"] == "http.response.start":
                    statuses.append((name, message["status"]))

            async def receive():
                return {"type": "http.request", "body": bytes(100)}

            await limit({"type": "http", "headers": []}, receive, send)

        first = asyncio.create_task(ask("first"))
        await read.wait()
        await ask("second")
        go_on.set()
        await first
        await ask("third")
        assert limit.under_way == 0

    with ThreadPoolExecutor(1) as pool:  # this thread may have an event loop of its own
        pool.submit(asyncio.run, exercise()).result(DEADLINE)
    assert statuses == [("second", 503), ("first", 200), ("third", 200)]
