"""A real Chromium on the real app: ``python app.py`` in a process of its own, driven through Playwright."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
DEVICES = {
    "desktop": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True, "is_mobile": True},
}


@contextmanager
def serve(*arguments: str) -> Iterator[str]:
    """Address of an app of its own, on a free port: apps that look for one at the same moment find the same."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    app = subprocess.Popen(
        [sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(port), *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert app.stdout is not None
    try:
        for line in app.stdout:
            if match := re.search(r"http://\S+", line):
                yield match[0]
                break
        else:
            pytest.fail(f"app.py ended with status {app.wait()} before it served the page")
    finally:
        app.terminate()
        app.wait(timeout=20)
        app.stdout.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Address of the app, which retrains on the shipped samples."""
    with serve("--data", "samples") as address:
        yield address


@pytest.fixture(scope="module")
def whole_address(full_folder: Path) -> Iterator[str]:
    """Address of an app that has the whole data set, and the small network, which is quick to look at it."""
    with serve("--data", str(full_folder), "--weights", str(ROOT / "weights" / "original")) as address:
        yield address


@pytest.fixture(scope="session")
def browser(skip_or_fail: Callable[[str], None]) -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error:
            skip_or_fail("No Chromium is here (Debian: apt install chromium; elsewhere: playwright install chromium).")
        yield chromium
        chromium.close()


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Iterator[dict[str, BrowserContext]]:
    """One for each device, for all tests: with what it has loaded once in its cache, a page opens a third faster."""
    made = {device: browser.new_context(**options) for device, options in DEVICES.items()}
    for context in made.values():
        context.add_init_script("localStorage.setItem('fmnist-toured', 'yes')")
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def context(contexts: dict[str, BrowserContext], device: str) -> Iterator[BrowserContext]:
    """A visitor who has been here before: the guided tour does not come by itself."""
    context = contexts[device]
    yield context
    for page in context.pages:  # with what a tab knows: who its visitor is, for one
        page.close()
    context.clear_permissions()


def opened(context: BrowserContext, address: str) -> Iterator[Page]:
    """The page with its first example answered; any error on its console fails the test."""
    page = context.new_page()
    problems: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: (problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.goto(address)
    page.wait_for_selector("#answer[data-answers]")
    yield page
    assert problems == []


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """The page as most tests want it."""
    yield from opened(context, address)


@pytest.fixture
def newcomer(browser: Browser, address: str, device: str) -> Iterator[Page]:
    """The page as a visitor finds it who has never been here, and who asked for little motion."""
    context = browser.new_context(**DEVICES[device], reduced_motion="reduce")
    yield from opened(context, address)
    context.close()
