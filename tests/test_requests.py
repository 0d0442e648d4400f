from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, TimeoutError
from types import SimpleNamespace

import pytest

from demo.requests import BadRequest, served, served_later

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
