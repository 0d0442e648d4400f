import inspect
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, TimeoutError

import pytest

from demo.requests import BadRequest
from demo.server_functions import serve_later

DEADLINE = 60.0


class FakeHandlers:
    """Three actions: one answers, one refuses, one is broken."""

    def serve(self, action, values):
        if action == "refuse":
            raise BadRequest("No.")
        if action == "break":
            raise KeyError("a bug of ours")
        return {action: values}


@pytest.fixture
def ready():
    handlers = Future()
    handlers.set_result(FakeHandlers())
    return handlers


# --- server functions -----------------------------------------------------------------------------------------------


def test_a_server_function_has_the_name_by_which_the_page_calls_it_and_one_argument():
    function = serve_later(Future().result, "echo")
    assert function.__name__ == "echo"
    assert len(inspect.signature(function).parameters) == 1


def test_every_error_of_ours_is_answered_with_its_sentence(ready):
    assert serve_later(ready.result, "echo")({"said": 5}) == {"echo": {"said": 5}}
    assert serve_later(ready.result, "refuse")({}) == {"error": "No."}


def test_bugs_are_not_hidden(ready):
    with pytest.raises(KeyError):
        serve_later(ready.result, "break")({})


def test_requests_wait_for_the_handlers():
    handlers = Future()
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(serve_later(handlers.result, "echo"), "early")
        with pytest.raises(TimeoutError):
            reply.result(0.05)
        handlers.set_result(FakeHandlers())
        assert reply.result(DEADLINE) == {"echo": "early"}
    assert serve_later(handlers.result, "echo")("late") == {"echo": "late"}


def test_requests_do_not_wait_for_handlers_that_never_come():
    handlers = Future()
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(serve_later(handlers.result, "echo"), "early")
        handlers.cancel()
        with pytest.raises(CancelledError):
            reply.result(DEADLINE)
