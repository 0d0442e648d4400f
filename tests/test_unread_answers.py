"""What is counted as not fetched, and what is forgotten: with a service that answers as Gradio does."""

import asyncio
import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from demo.unread_answers import UnreadAnswers

DEADLINE = 60.0


class FakeGradio:
    """Gives each event a number; ``kept`` is what it keeps of each session."""

    def __init__(self, max_unread):
        self.kept, self.forgotten, self._numbers = {}, [], itertools.count()
        routes = [
            Route("/gradio_api/queue/join", self._join, methods=["POST"]),
            Route("/gradio_api/call/predict", self._join, methods=["POST"]),
            Route("/gradio_api/call/predict/{event}", self._fetch_one),
            Route("/gradio_api/queue/data", self._fetch),
            Route("/", self._join, methods=["GET", "POST"]),
        ]
        self.app = Starlette(routes=routes, middleware=[Middleware(UnreadAnswers, self._forget, max_unread)])

    async def _forget(self, session):
        self.kept.pop(session, None)
        self.forgotten.append(session)

    async def _join(self, request: Request):
        try:
            body = json.loads(await request.body())
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict) or "refuse" in body:
            return JSONResponse({"detail": "no"}, 422)
        event = f"event-{next(self._numbers)}"
        self.kept.setdefault(body.get("session_hash") or event, []).append(event)
        return JSONResponse({"event_id": event})

    async def _fetch(self, request: Request):
        events = self.kept.get(request.query_params["session_hash"], [])
        count = int(request.query_params.get("count", len(events)))

        async def stream():
            for event in events[:count]:
                yield f'data: {{"msg":"process_starts","event_id":"{event}"}}\n\n'
                yield f'data: {{"msg":"process_completed","event_id":"{event}"}}\n\n'

        return StreamingResponse(stream())

    async def _fetch_one(self, request: Request):
        return StreamingResponse(iter(["event: complete\ndata: []\n\n"]))


def exercise(work, max_unread=100):
    """What ``work(gradio, client)`` gives."""

    async def within():
        gradio = FakeGradio(max_unread)
        transport = httpx.ASGITransport(gradio.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://page/gradio_api/") as client:
            return await work(gradio, client)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, within()).result(DEADLINE)


async def join(client, session, **more):
    reply = await client.post("queue/join", json={"session_hash": session, "data": []} | more)
    return reply.json().get("event_id")


def test_a_session_is_forgotten_when_all_its_answers_have_been_fetched():
    async def work(gradio, client):
        for session in ("anna", "anna", "bert"):
            await join(client, session)
        await client.get("queue/data?session_hash=anna&count=1")
        assert set(gradio.kept) == {"anna", "bert"}
        assert "process_completed" in (await client.get("queue/data?session_hash=anna")).text
        assert set(gradio.kept) == {"bert"}
        assert gradio.forgotten == ["anna"]

    exercise(work)


@pytest.mark.parametrize("session", [None, "anna"])
def test_a_call_is_forgotten_when_it_has_been_fetched(session):
    async def work(gradio, client):
        event = (await client.post("call/predict", json={"data": [], "session_hash": session})).json()["event_id"]
        assert gradio.kept == {session or event: [event]}
        await client.get(f"call/predict/{event}")
        assert gradio.kept == {}

    exercise(work)


def test_of_what_nobody_fetches_so_much_is_kept_and_the_greediest_is_forgotten():
    async def work(gradio, client):
        await join(client, "anna")
        for _ in range(50):
            await join(client, "greedy")
            assert sum(map(len, gradio.kept.values())) <= 5
        for number in range(50):
            await join(client, f"visitor {number}")
            assert sum(map(len, gradio.kept.values())) <= 5
        return gradio.kept

    assert len(exercise(work, max_unread=5)) == 5


def test_what_is_refused_is_not_counted():
    async def work(gradio, client):
        for _ in range(20):
            assert await join(client, "greedy", refuse=True) is None
        await join(client, "anna")
        for body in ("", "[]", "null", "[" * 100_000, "\xff"):
            assert (await client.post("queue/join", content=body)).status_code == 422
        assert gradio.forgotten == []

    exercise(work, max_unread=1)


def test_nothing_else_is_touched():
    async def work(gradio, client):
        for _ in range(9):
            await client.post("http://page/", json={"session_hash": "anna"})
        return gradio.forgotten

    assert exercise(work, max_unread=1) == []
