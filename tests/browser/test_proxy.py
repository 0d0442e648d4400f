"""The page behind nginx, under a path of a site, by the very lines that the README shows."""

import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from visitor import SHIRT, draw, open_tab, trousers, upload

README = Path(__file__).parent.parent.parent / "README.md"
NGINX = """
daemon off;
master_process off;  # workers would be of a user who may not write here
pid {folder}/pid;
error_log {folder}/errors;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""
STARTED = 180_000  # milliseconds: only for a machine that hangs


@pytest.fixture
def proxied(address: str, tmp_path: Path, skip_or_fail: Callable[[str], None]) -> Iterator[str]:
    """Address of the app behind nginx, without the slash at its end."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if nginx is None:
        skip_or_fail("No nginx is here (Debian: apt install nginx-light).")
    (server,) = re.findall(r"^```nginx\n(server \{.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = server.replace("listen 80;", f"listen 127.0.0.1:{port}; location = /favicon.ico {{ return 204; }}")
    server = server.replace("http://127.0.0.1:7860/", address)
    (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path, server=server))
    process = subprocess.Popen([str(nginx), "-c", str(tmp_path / "nginx.conf")], stderr=subprocess.PIPE)
    try:
        while True:  # nginx says nothing when it is ready
            assert process.poll() is None, process.communicate()[1].decode()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=10).close()
                break
            except ConnectionRefusedError:
                continue
        yield f"http://127.0.0.1:{port}/garments"
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture
def page(context: BrowserContext, proxied: str) -> Iterator[Page]:
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("response", lambda reply: problems.append(f"{reply.status} {reply.url}") if reply.status >= 400 else None)
    page.goto(f"{proxied}#tab=map")
    page.wait_for_selector("#answer[data-answers]")
    yield page
    assert problems == []


def test_everything_works_behind_a_proxy(page: Page, proxied: str) -> None:
    assert page.url == f"{proxied}/#tab=map"
    page.wait_for_selector("#map canvas")
    draw(page, SHIRT, "desktop")
    expect(page.locator("#answer .words")).to_contain_text("shirt")
    upload(page, trousers())
    expect(page.locator("#answer .words")).to_contain_text("Trouser")

    open_tab(page, "Train")
    page.locator("#retrain").click()
    expect(page.locator("#stop")).to_be_enabled()
    page.locator("#stop").click()
    expect(page.locator(".training .status")).to_contain_text("Stopped before", timeout=STARTED)
