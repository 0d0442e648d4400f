"""Actions over HTTP, with handlers that do nothing."""

import asyncio
import json
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette

from demo import actions
from demo.actions import Actions, NoSuchAction
from demo.limits import Limits
from demo.requests import BadRequest

DEADLINE = 60.0
SPEEDS = ("drawing", "quick", "slow", "long")


class FakeHandlers:
    """Actions that are called what they do, of a visitor; those of a speed wait until ``may_end`` says so."""

    def __init__(self):
        self.may_end = {speed: threading.Event() for speed in SPEEDS}
        self.begun = []

    def lane(self, name, values):
        if name == "none":
            raise NoSuchAction("There is no such action.")
        if not isinstance(values, dict):
            raise BadRequest("The request is not of the form that the page sends.")
        return values.get("visitor", ""), name if name in SPEEDS else "quick"

    def serve(self, name, values):
        if name == "refuse":
            raise BadRequest("No.")
        if name == "break":
            raise KeyError("a bug of ours")
        if name in SPEEDS:
            self.begun.append((name, values.get("number")))
            assert self.may_end[name].wait(DEADLINE)
        return {"said": values, "none": float("nan")}

    def predict(self, picture):
        return {"picture": picture}

    def no_prediction(self, error):
        return {"error": str(error)}


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(actions, "cores", lambda: 1)
    handlers = FakeHandlers()
    yield handlers
    for each in handlers.may_end.values():
        each.set()


def exercise(work, handlers, limits=None):
    """What ``work(post)`` gives, where ``post("answer", {...})`` asks a server whose handlers these are."""
    future = handlers
    if not isinstance(handlers, Future):
        future = Future()
        future.set_result(handlers)

    async def within():
        service = Starlette(routes=[Actions(future, limits or Limits()).route()])
        transport = httpx.ASGITransport(service)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:

            def post(name, values=None, **more):
                more = more or {"content": json.dumps(values or {})}
                return asyncio.ensure_future(client.post(f"/actions/{name}", **more))

            return await asyncio.wait_for(work(post), DEADLINE)

    with ThreadPoolExecutor(1) as pool:  # this thread may have an event loop of its own
        return pool.submit(asyncio.run, within()).result()


async def until(is_so):
    """Wait until ``is_so()``."""
    while not is_so():
        await asyncio.sleep(0.001)


def test_a_reply_is_json_and_what_is_no_number_is_null(fake):
    async def work(post):
        return await post("echo", {"a": [1, "é"]})

    reply = exercise(work, fake)
    assert reply.headers["content-type"] == "application/json"
    assert (reply.status_code, reply.json()) == (200, {"said": {"a": [1, "é"]}, "none": None})


@pytest.mark.parametrize(
    ("name", "status", "sentence"), [("refuse", 400, "No."), ("none", 404, "There is no such action.")]
)
def test_a_refusal_is_a_sentence_with_a_status(fake, name, status, sentence):
    async def work(post):
        return await post(name)

    reply = exercise(work, fake)
    assert (reply.status_code, reply.json()) == (status, {"error": sentence})


@pytest.mark.parametrize("body", ["", "{", "null", "[]", "5", "\xff", "[" * 100_000, "1" * 10_000, b"\xff\xfe", b"\0"])
def test_a_body_that_is_no_request_is_refused(fake, body):
    async def work(post):
        return await post("echo", content=body)

    reply = exercise(work, fake)
    assert (reply.status_code, reply.json()["error"]) == (400, "The request is not of the form that the page sends.")


def test_bugs_are_not_hidden(fake):
    async def work(post):
        return await post("break")

    with pytest.raises(KeyError):
        exercise(work, fake)


@pytest.mark.parametrize(
    ("busy", "free"), [("slow", "drawing"), ("long", "slow"), ("long", "quick"), ("slow", "quick")]
)
def test_nothing_waits_for_what_takes_longer(fake, busy, free):
    async def work(post):
        waiting = [post(busy, {"visitor": f"visitor {number}"}) for number in range(9)]
        await until(lambda: fake.begun)
        fake.may_end[free].set()
        assert (await post(free, {"visitor": "anna"})).status_code == 200
        assert not any(each.done() for each in waiting)
        fake.may_end[busy].set()
        assert {(await each).status_code for each in waiting} == {200}

    exercise(work, fake, Limits(slow_waiting=9))


def test_a_drawing_that_waits_is_replaced_by_a_newer_one_of_its_visitor(fake):
    async def work(post):
        first = post("drawing", {"visitor": "anna", "number": 1})
        await until(lambda: fake.begun)
        second, bert = post("drawing", {"visitor": "anna", "number": 2}), post("drawing", {"visitor": "bert"})
        await asyncio.sleep(0)
        third = post("drawing", {"visitor": "anna", "number": 3})
        assert (await second).json() == {"replaced": True}
        fake.may_end["drawing"].set()
        for each in (first, third, bert):
            assert "said" in (await each).json()
        return [number for _, number in fake.begun]

    assert exercise(work, fake) == [1, 3, None]


def test_drawings_are_refused_to_nobody_and_explanations_in_a_sentence(fake):
    async def work(post):
        asked = {
            name: [post(name, {"visitor": f"visitor {number}"}) for number in range(50)] for name in ("drawing", "slow")
        }
        await until(lambda: sum(each.done() for each in asked["slow"]) == 47)  # one is at work, two wait
        assert not any(each.done() for each in asked["drawing"])
        for each in fake.may_end.values():
            each.set()
        return {name: [(await each) for each in replies] for name, replies in asked.items()}

    replies = exercise(work, fake, Limits(slow_waiting=2))
    assert {reply.status_code for reply in replies["drawing"]} == {200}
    refused = [reply for reply in replies["slow"] if reply.status_code != 200]
    assert {reply.status_code for reply in refused} == {503}
    assert {reply.json()["error"] for reply in refused} == {"Many people are here just now. Try again in a moment."}


def test_requests_wait_for_the_handlers_and_who_goes_does_not_take_them_away(fake):
    handlers = Future()

    async def work(post):
        gone, early = post("echo", {"said": "gone"}), post("echo", {"said": "early"})
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(gone, 0.05)
        assert not early.done()
        handlers.set_result(fake)
        assert (await early).json()["said"] == {"said": "early"}

    exercise(work, handlers)


def test_requests_do_not_wait_for_handlers_that_never_come():
    handlers = Future()

    async def work(post):
        early = post("echo")
        await asyncio.sleep(0.01)
        handlers.cancel()
        with pytest.raises((CancelledError, asyncio.CancelledError)):
            await early

    exercise(work, handlers)


def test_the_api_waits_beside_the_page_and_says_so_when_it_is_refused(fake):
    async def work(_):
        handlers = Future()
        handlers.set_result(fake)
        served = Actions(handlers, Limits(slow_waiting=2))
        assert await served.predict("x.png") == {"picture": "x.png"}
        fake.predict = lambda picture: fake.may_end["slow"].wait(DEADLINE) and {"picture": picture}
        asked = [asyncio.ensure_future(served.predict(number)) for number in range(5)]
        await until(lambda: sum(each.done() for each in asked) == 2)
        fake.may_end["slow"].set()
        return await asyncio.gather(*asked)

    replies = exercise(work, fake)
    assert replies[:3] == [{"picture": number} for number in range(3)]
    assert replies[3:] == [{"error": "Many people are here just now. Try again in a moment."}] * 2
