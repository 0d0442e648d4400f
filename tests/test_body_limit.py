import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo import body_limit
from demo.body_limit import BodyLimit

DEADLINE = 60.0


@pytest.fixture
def client_of():
    """``client_of(max_bytes)``: a client of a service that says how many bytes it was sent, within that limit."""

    async def count(request: Request) -> JSONResponse:
        return JSONResponse(len(await request.body()))

    with ExitStack() as clients:

        def client_of(max_bytes):
            limit = Middleware(BodyLimit, max_bytes=max_bytes, max_bytes_under_way=2**30, max_pause=DEADLINE)
            service = Starlette(routes=[Route("/", count, methods=["POST"])], middleware=[limit])
            return clients.enter_context(TestClient(service))

        yield client_of


def in_pieces(size):
    """A body whose length nobody is told before."""
    for start in range(0, size, 1000):
        yield bytes(min(1000, size - start))


@pytest.mark.parametrize("megabytes", [1, 2])
@pytest.mark.parametrize("form", [bytes, in_pieces])
def test_what_is_too_large_is_refused(client_of, form, megabytes):
    client, limit = client_of(megabytes * 2**20), megabytes * 2**20
    assert client.post("/", content=form(limit)).json() == limit
    reply = client.post("/", content=form(limit + 1))
    assert (reply.status_code, reply.json()) == (413, {"error": f"The request is larger than {megabytes} MB."})
    assert client.post("/", content=b"12345").json() == 5


@pytest.mark.parametrize(("max_bytes", "size"), [(100, "0 kB"), (8192, "8 kB"), (2**20, "1 MB")])
def test_less_may_be_sent_to_some_addresses(max_bytes, size):
    async def at_a_smaller_address(scope, receive, send):
        await BodyLimit(echo, 2**21, 2**30, DEADLINE)(scope | {"max_bytes": max_bytes}, receive, send)

    fits, larger = (piece(b"a" * (max_bytes + more), more=False) for more in (0, 1))
    assert exchange(at_a_smaller_address, [fits])[0] == 200
    assert exchange(at_a_smaller_address, [larger]) == (413, {"error": f"The request is larger than {size}."})


@pytest.mark.parametrize(("promised", "read_before"), [(101, 0), (5, 120)], ids=["honest", "a lie"])
def test_no_more_is_read_than_it_takes_to_know_that_it_is_too_large(promised, read_before):
    read, statuses = [], []

    async def receive():
        read.append(60)
        return {"type": "http.request", "body": bytes(60), "more_body": True}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def service(scope, receive, send):
        while True:
            await receive()

    limit = BodyLimit(service, max_bytes=100, max_bytes_under_way=1000, max_pause=DEADLINE)
    scope = {"type": "http", "headers": [(b"content-length", str(promised).encode())]}
    run(limit(scope, receive, send))
    assert statuses == [413]
    assert sum(read) == read_before
    assert limit.under_way == 0


def run(coroutine):
    """Run it to its end, in another thread: this one may have an event loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result(DEADLINE)


@pytest.mark.parametrize("small", [99, 100])
def test_too_much_at_once_is_refused_until_some_of_it_is_answered_unless_it_is_small(monkeypatch, small):
    monkeypatch.setattr(body_limit, "SMALL", small)
    statuses = []

    async def exercise():
        was_read, may_answer = asyncio.Event(), asyncio.Event()

        async def slow(scope, receive, send):
            await receive()
            was_read.set()
            await may_answer.wait()
            await JSONResponse("done")(scope, receive, send)

        limit = BodyLimit(slow, max_bytes=100, max_bytes_under_way=150, max_pause=DEADLINE)

        async def ask(name):
            async def send(message):
                if message["type"] == "http.response.start":
                    statuses.append((name, message["status"]))

            async def receive():
                return {"type": "http.request", "body": bytes(100)}

            await limit({"type": "http", "headers": []}, receive, send)

        first = asyncio.create_task(ask("first"))
        await was_read.wait()
        second = asyncio.create_task(ask("second"))
        while not statuses and limit.under_way < 200:  # until it is refused or let in
            await asyncio.sleep(0)
        may_answer.set()
        await first
        await second
        await ask("third")
        assert limit.under_way == 0

    run(exercise())
    second = ("second", 503 if small < 100 else 200)
    assert sorted(statuses) == [("first", 200), second, ("third", 200)]


def exchange(limit, messages):
    """Send these messages to it, then nothing for ever; gives status and body of the reply."""
    sent = []

    async def ask():
        left = list(messages)

        async def receive():
            if left:
                return left.pop(0)
            await asyncio.sleep(DEADLINE)

        async def send(message):
            sent.append(message)

        await limit({"type": "http", "headers": []}, receive, send)

    run(ask())
    if not sent:
        return None
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


async def echo(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message.get("more_body", False)
    await JSONResponse(body.decode())(scope, receive, send)


def piece(body, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_that_stops_half_way_is_refused_and_makes_room():
    limit = BodyLimit(echo, max_bytes=100, max_bytes_under_way=100, max_pause=0.05)
    assert exchange(limit, [piece(b"a" * 90)]) == (408, {"error": "The request stopped half-way. Try again."})
    assert limit.under_way == 0
    assert exchange(limit, [piece(b"ab"), piece(b"c", more=False)]) == (200, "abc")


def test_a_visitor_who_leaves_half_way_is_not_answered():
    limit = BodyLimit(echo, max_bytes=100, max_bytes_under_way=100, max_pause=DEADLINE)
    assert exchange(limit, [piece(b"a" * 90), {"type": "http.disconnect"}]) is None
    assert limit.under_way == 0


def test_time_that_an_answer_takes_is_no_pause():
    async def slow(scope, receive, send):
        await asyncio.sleep(0.2)
        await echo(scope, receive, send)

    limit = BodyLimit(slow, max_bytes=100, max_bytes_under_way=100, max_pause=0.05)
    assert exchange(limit, [piece(b"abc", more=False)]) == (200, "abc")


def test_an_app_that_listens_on_hears_that_its_visitor_has_left():
    heard = []

    async def listening(scope, receive, send):
        heard.extend([await receive(), await receive()])
        await JSONResponse("done")(scope, receive, send)

    limit = BodyLimit(listening, max_bytes=100, max_bytes_under_way=100, max_pause=DEADLINE)
    gone = {"type": "http.disconnect"}
    assert exchange(limit, [piece(b"x", more=False), gone]) == (200, "done")
    assert heard == [piece(b"x", more=False), gone]
