"""What a function of the API is given; what comes of it for a visitor: test_page."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
import pytest

from demo.blocks import Blocks

FILE = {"meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize(
    ("inputs", "given"),
    [
        ([{"path": "/etc/passwd"} | FILE], {"path": "/etc/passwd"} | FILE),
        ([{"path": "https://example.org/x.png"} | FILE], {"path": "https://example.org/x.png"} | FILE),
        ([{"path": "\0"} | FILE], {"path": "\0"} | FILE),
        (["x"], "x"),
        ([], None),
        ([1, 2], 1),
    ],
)
def test_a_function_is_given_what_was_sent_and_nothing_is_fetched(inputs, given, monkeypatch):
    def predict(picture: gr.FileData) -> str:
        return "done"

    with Blocks(analytics_enabled=False) as blocks:
        gr.events.api(predict, api_name="predict")
    (function,) = blocks.fns.values()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("it looked for a host"))
    with ThreadPoolExecutor(1) as pool:  # in this thread, tests of the browser leave a loop that runs
        found = pool.submit(asyncio.run, blocks.preprocess_data(function, inputs, None)).result()
    assert found == [given]
