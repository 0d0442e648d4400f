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
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Error, Page, sync_playwright
from visitor import DEVICES, put_back

ROOT = Path(__file__).parent.parent.parent


@contextmanager
def serve(*arguments: str, program: str = "app.py") -> Iterator[str]:
    """Address of an app of its own, on a free port: apps that look for one at the same moment find the same."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    app = subprocess.Popen(
        [sys.executable, program, "--host", "127.0.0.1", "--port", str(port), *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert app.stdout is not None
    try:
        for line in app.stdout:
            if match := re.search(r"http://\S+", line):
                yield match[0]
                break
        else:
            pytest.fail(f"{program} ended with status {app.wait()} before it served the page")
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


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "desktop"))


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
    before = set(context.pages)
    yield context
    for page in set(context.pages) - before:  # with what a tab knows: who its visitor is, for one
        page.close()
    context.clear_permissions()


class Opened:
    """A page, and the problems of which its console tells."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.page = context.new_page()
        self.problems: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.goto(address)
        self.page.wait_for_selector(
            "#answer[data-answers]", timeout=150_000
        )  # an answer that is lost is asked for again

    def _listen(self, message: ConsoleMessage) -> None:
        # A request that is refused is no error of the page, which shows the sentence: tests look for it there.
        is_refusal = message.text.startswith("Failed to load resource") and "/actions/" in message.location["url"]
        if message.type == "error" and not is_refusal:
            self.problems.append(message.text)

    def _dismiss(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def opened(context: BrowserContext, address: str) -> Iterator[Page]:
    """The page with its first example answered; any error on its console fails the test."""
    opened = Opened(context, address)
    yield opened.page
    assert opened.problems == []


@pytest.fixture(scope="session")
def pages() -> dict[str, Opened]:
    """The page on each device, once it is open."""
    return {}


@pytest.fixture
def page(
    request: pytest.FixtureRequest,
    pages: dict[str, Opened],
    contexts: dict[str, BrowserContext],
    address: str,
    device: str,
) -> Iterator[Page]:
    """The page as most tests want it: put back as it was, which takes a fraction of the time to open it."""
    if device not in pages:
        pages[device] = Opened(contexts[device], address)
    put_back(pages[device].page, device)
    failed = request.session.testsfailed
    yield pages[device].page
    problems = pages[device].problems
    if problems or request.session.testsfailed > failed:
        pages.pop(device).page.close()  # it may be in any state
    assert problems == []


@pytest.fixture
def fresh_page(context: BrowserContext, address: str) -> Iterator[Page]:
    """The page just opened, by a visitor of its own: for tests of how it begins, and of another network."""
    yield from opened(context, address)


@pytest.fixture
def newcomer(browser: Browser, address: str, device: str) -> Iterator[Page]:
    """The page as a visitor finds it who has never been here, and who asked for little motion."""
    context = browser.new_context(**DEVICES[device], reduced_motion="reduce")
    yield from opened(context, address)
    context.close()
