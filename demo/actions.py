"""The visitors' actions over HTTP: to each there is one POST of JSON, answered by JSON of ``demo.handlers``."""

import asyncio
import itertools
import json
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.cores import cores
from demo.fair_queue import Busy, FairQueue, Replaced
from demo.limits import Limits
from fmnist_core.errors import FmnistError

if TYPE_CHECKING:  # it brings PyTorch, and is there only later
    from demo.handlers import Handlers

Reply = dict[str, Any]  # plain JSON

# What an action waits for, by how long it takes: none waits for what takes longer. "drawing" is the answer to the
# current picture, "quick" a look at what is known, "slow" takes a tenth of a second or some, "long" many seconds.
Speed = Literal["drawing", "quick", "slow", "long"]

QUICK_AT_ONCE: Final = 4


class NoSuchAction(FmnistError):
    """The page asks for no action of that name."""


class Actions:
    """Answers requests as soon as there are handlers, each kind of work on threads of its own, visitor by visitor.

    A request that waits, for them or for its turn, holds no thread. An answer to a drawing is refused to nobody: when
    more is asked than can be answered, answers come later, and a visitor's newest drawing takes the place of the one of
    theirs that still waits.
    """

    def __init__(self, handlers: "Future[Handlers]", limits: Limits) -> None:
        self._handlers = handlers
        slow = partial(
            FairQueue,
            max_waiting=limits.slow_waiting,
            max_waiting_each=limits.slow_waiting_each,
            max_seconds=limits.waiting_seconds,
        )
        self._queues: dict[Speed, FairQueue] = {
            "drawing": FairQueue(cores(), latest_only=True),
            "quick": FairQueue(QUICK_AT_ONCE),
            "slow": slow(max(1, cores() - 1)),
            "long": slow(1),
        }
        self._programs = itertools.count()

    def route(self) -> Route:
        """Where the server answers them."""
        return Route("/actions/{name}", self._serve, methods=["POST"])

    async def predict(self, picture: Any) -> Reply:
        """Recognise the picture of a program that uses the API; see ``page.build_page``."""
        handlers = await self._ready()
        program = f"program {next(self._programs)}"
        try:
            return await self._queues["slow"].run(program, partial(handlers.predict, picture))
        except Busy as busy:
            return handlers.no_prediction(busy)

    async def _serve(self, request: Request) -> Response:
        """Answer a request; a refusal is a sentence for the visitor, with the status that says so to programs."""
        try:
            contents = await self._answer(request.path_params["name"], await request.body())
            return Response(contents, media_type="application/json")
        except Replaced:
            return JSONResponse({"replaced": True})
        except Busy as busy:
            return JSONResponse({"error": str(busy)}, 503)
        except NoSuchAction as none:
            return JSONResponse({"error": str(none)}, 404)
        except FmnistError as error:
            return JSONResponse({"error": str(error)}, 400)

    async def _answer(self, name: str, body: bytes) -> bytes:
        handlers = await self._ready()
        try:
            values = json.loads(body)
        except (ValueError, RecursionError):  # no JSON, or so deep that nobody means it
            values = None
        visitor, speed = handlers.lane(name, values)
        # (orjson makes null of what is no number, as a loss may be.)
        return await self._queues[speed].run(visitor, lambda: orjson.dumps(handlers.serve(name, values)))

    async def _ready(self) -> "Handlers":
        # Shielded, for one visitor who goes must not take them from all.
        return await asyncio.shield(asyncio.wrap_future(self._handlers))
