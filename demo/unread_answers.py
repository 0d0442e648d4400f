"""Answers of the API that nobody fetches: Gradio would keep them for ever."""

import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

JOIN: Final = ("/gradio_api/queue/join", "/gradio_api/call/predict", "/gradio_api/call/v2/predict")
FETCH: Final = "/gradio_api/queue/data"


class UnreadAnswers:
    """ASGI middleware that counts what was asked of the API and not yet fetched, and keeps only so much of it.

    When there is too much, the session with the most is forgotten, what of it still waits included; and a session whose
    answers have all been fetched is forgotten as well. Behind ``BodyLimit``, so that what it reads is small.
    """

    def __init__(self, app: ASGIApp, forget: Callable[[str], Awaitable[None]], max_unread: int) -> None:
        """``forget`` drops what Gradio keeps of a session."""
        self.app, self._forget, self._max_unread = app, forget, max_unread
        self.unread: dict[str, set[str]] = {}  # session -> ids of its events
        self._numbers = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"].rstrip("/") if scope["type"] == "http" else ""
        if scope.get("method") == "POST" and path in JOIN:
            return await self._join(scope, receive, send)
        if path == FETCH:
            session = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
            return await self._fetch(session, None, scope, receive, send)
        call, _, event = path.rpartition("/")
        if call in JOIN:
            session = next((each for each, events in self.unread.items() if event in events), event)
            return await self._fetch(session, event, scope, receive, send)
        await self.app(scope, receive, send)

    async def _join(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages = [await receive()]
        while messages[-1].get("more_body", False):
            messages.append(await receive())
        session = _field(b"".join(message.get("body", b"") for message in messages), "session_hash")
        replied = bytearray()

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        async def note(message: Message) -> None:
            replied.extend(message.get("body", b""))
            await send(message)

        # Counted from the start, so that the session is not forgotten by a fetch that ends meanwhile.
        joining = f"joining {next(self._numbers)}"
        if session is not None:
            self._note(session, joining)
        await self.app(scope, replay, note)
        event = _field(bytes(replied), "event_id")
        if event is not None:
            self._note(session or event, event)  # Gradio gives a session without a name that of its event
        if session is not None:
            self.unread.get(session, set()).discard(joining)
        while sum(map(len, self.unread.values())) > self._max_unread:
            await self._drop(max(self.unread, key=lambda each: len(self.unread[each])))

    def _note(self, session: str, event: str) -> None:
        self.unread.setdefault(session, set()).add(event)

    async def _fetch(self, session: str, event: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            await send(message)  # which waits for who reads slowly
            contents = message.get("body", b"")
            events = self.unread.get(session, set())
            if event is None and b'"process_completed"' in contents:
                events.difference_update([each for each in events if each.encode() in contents])

        await self.app(scope, receive, note)
        if event is not None:
            self.unread.get(session, set()).discard(event)
        if not self.unread.get(session):
            await self._drop(session)

    async def _drop(self, session: str) -> None:
        self.unread.pop(session, None)
        await self._forget(session)


def _field(body: bytes, name: str) -> str | None:
    try:
        value = json.loads(body).get(name)
    except (ValueError, RecursionError, AttributeError):  # no JSON, or no object
        return None
    return value if isinstance(value, str) else None
