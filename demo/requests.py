"""A request of the page and the reply to it, both plain JSON; and how a handler becomes what Gradio serves."""

import functools
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from fmnist_core.errors import FmnistError

Request = dict[str, Any]
Reply = dict[str, Any]

MOST_BATCH: Final = 1024  # images in a visitor's batch: the deep network keeps about 0.8 MB of each, made ones included


class BadRequest(FmnistError):
    """The request is not one that the page sends."""


def served(method: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """A handler as Gradio's server function: what a visitor can do something about is answered as a sentence.

    (Gradio swallows the exceptions of server functions, and marks them with an attribute, which methods refuse.)
    """

    @functools.wraps(method)
    def function(request: Request) -> Reply:
        try:
            if not isinstance(request, dict):
                raise BadRequest("The request is not of the form that the page sends.")
            return method(request)
        except FmnistError as error:
            return {"error": str(error)}

    return function


def served_later(handlers: "Future[Any]", name: str) -> Callable[[Request], Reply]:
    """The handler of that name as a server function that waits until there are handlers."""

    def method(request: Request) -> Reply:
        reply: Reply = getattr(handlers.result(), name)(request)
        return reply

    method.__name__ = name  # by which the browser calls it
    return served(method)
