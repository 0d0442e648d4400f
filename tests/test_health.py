"""What watches over the page learns when it can answer."""

from concurrent.futures import Future

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demo.health import health_route


def loading(handlers):
    pass


def loaded(handlers):
    handlers.set_result(object())


def broken(handlers):
    handlers.cancel()


@pytest.mark.parametrize(("happens", "status"), [(loading, 503), (loaded, 200), (broken, 503)])
def test_ready_once_the_networks_are_loaded(happens, status):
    handlers = Future()
    happens(handlers)
    with TestClient(Starlette(routes=[health_route(handlers)])) as client:
        reply = client.get("/health")
        assert (reply.status_code, reply.json()) == (status, {"ready": status == 200})
        assert reply.headers["cache-control"] == "no-store"
        assert client.post("/health").status_code == 405
