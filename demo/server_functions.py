"""Handlers as Gradio's server functions: those that are there only later, and with every error as a sentence."""

from collections.abc import Callable
from typing import Any, Protocol

from fmnist_core.errors import FmnistError

Reply = dict[str, Any]  # plain JSON


class Server(Protocol):
    """What answers: ``demo.handlers.Handlers``, which brings PyTorch and is there only later."""

    def serve(self, name: str, values: Any) -> Reply:
        """Answer the request ``values`` for the action of that name."""


def serve_later(handlers: Callable[[], Server], action: str) -> Callable[[Any], Reply]:
    """The action of that name as a server function; ``handlers`` waits until they are there.

    (Gradio swallows the exceptions of server functions: what a visitor can do something about is a reply instead.)
    """

    def serve(request: Any) -> Reply:
        try:
            return handlers().serve(action, request)
        except FmnistError as error:
            return {"error": str(error)}

    serve.__name__ = action  # by which the browser calls it
    return serve
