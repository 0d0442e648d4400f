"""What a visitor of the page does and sees, on a desktop and on a phone."""

import io
import itertools
import time
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw
from playwright.sync_api import Page, Route

DEVICES: dict[str, Any] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True, "is_mobile": True},
}
# A test runs on the desktop alone unless its device matters: width, theme, or fingers instead of a mouse.
on_both_devices = pytest.mark.parametrize("device", DEVICES, indirect=True)
on_a_phone = pytest.mark.parametrize("device", ["phone"], indirect=True)

SERVER = "**/actions/*"  # where every widget asks
SHIRT = (
    (0.35, 0.15), (0.15, 0.25), (0.08, 0.45), (0.22, 0.5), (0.28, 0.4), (0.28, 0.88), (0.72, 0.88),
    (0.72, 0.4), (0.78, 0.5), (0.92, 0.45), (0.85, 0.25), (0.65, 0.15), (0.5, 0.22), (0.35, 0.15),
)  # fmt: skip
STEPS = 8  # of the hand from one corner of a stroke to the next


# What the modules of the page know: the very ones that it runs, for a browser loads each address once.
MODULES = """async () => {
    const addresses = Array.from(document.querySelectorAll('link[rel=modulepreload]'), (link) => link.href);
    const load = (name) => import(addresses.find((address) => address.endsWith(`/${name}.js`)));
    const names = ['shared/api', 'shared/bus', 'shared/facts', 'shared/formula', 'shared/samples'];
    const [api, bus, facts, formula, samples] = await Promise.all(names.map(load));
    return { wanted: api.wanted, ...bus, ...facts, ...formula, samples };
}"""


def with_modules(page: Page, script: str, argument: object = None) -> Any:
    """What ``script`` gives, a function in JavaScript of what the modules know and of an argument."""
    return page.evaluate(f"async (argument) => ({script})(await ({MODULES})(), argument)", argument)


# ``wait_for_function`` takes the first promise for a yes, whatever comes of it: asynchronous conditions are asked here.
UNTIL = """async (isSo, seconds = 30) => {
    const end = Date.now() + 1000 * seconds;
    while (!(await isSo())) {
        if (Date.now() > end) throw new Error(`Waited ${seconds} s in vain for ${isSo}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}"""


def wait_until(page: Page, is_so: str) -> None:
    """Wait until the asynchronous function ``is_so``, in JavaScript, gives true."""
    page.evaluate(f"({UNTIL})({is_so})")


def wait_for_modules(page: Page, script: str) -> None:
    """Wait until ``script``, as for ``with_modules``, gives true."""
    wait_until(page, f"async () => ({script})(await ({MODULES})())")


def answers(page: Page) -> int:
    return int(page.get_attribute("#answer", "data-answers") or 0)


def wait_for_answer(page: Page, after: int) -> None:
    page.wait_for_function("after => Number(document.querySelector('#answer').dataset.answers) > after", arg=after)


def settle(page: Page) -> None:
    """Wait until nothing is on its way to or from the server for the pad, and nothing more is painted for a while."""
    wait_until(
        page,
        """async () => {
            const answers = () => document.querySelector('#answer').dataset.answers;
            const isQuiet = () => document.querySelector('#pad .pad').dataset.asking === '0';
            const before = answers();
            if (!isQuiet()) return false;
            await new Promise((resolve) => setTimeout(resolve, 100));
            return isQuiet() && before === answers();
        }""",
    )


# Puts the page back to where it was: a test image is the current picture, and nothing is open or chosen.
PUT_BACK = """({ emit, facts }, isDark) => {
    const shown = (selector) => [...document.querySelectorAll(selector)].filter((each) => each.offsetParent);
    const click = (selector) => shown(selector).forEach((each) => each.click());
    click('#tour .skip, #mistakes .close, #map .legend [aria-pressed=true], #map [data-zoom=reset], [data-tool=pen]');
    click('#network_input details[open] summary, #feature_maps .each:checked');
    const size = document.querySelector('#pad [type=range]');
    size.value = 22;
    size.dispatchEvent(new Event('input'));
    document.body.classList.toggle('dark', isDark);
    localStorage.removeItem('fmnist-theme');
    emit('tab', 'look-inside');
    emit('marked', []);
    history.replaceState(history.state, '', location.pathname);
    emit('link');
    emit('sample', facts.example);
    history.replaceState(history.state, '', location.pathname);
    document.activeElement.blur();
    scrollTo(0, 0);
}"""


def put_back(page: Page, device: str) -> None:
    """Make a page that another test has used as good as new; a visitor would have chosen the first example."""
    page.unroute_all()
    page.bring_to_front()
    page.set_viewport_size(DEVICES[device]["viewport"])
    page.emulate_media(reduced_motion="null")
    before = answers(page)
    with_modules(page, PUT_BACK, device == "phone")
    wait_for_answer(page, before)
    settle(page)
    page.evaluate("history.replaceState(history.state, '', location.pathname)")


def clear(page: Page) -> None:
    """Take a new sheet of paper."""
    page.get_by_role("button", name="Clear").click()
    page.wait_for_selector("#answer .words.empty")


def draw(page: Page, corners: tuple[tuple[float, float], ...], device: str) -> int:
    """One stroke through ``corners`` (fractions of the pad); returns how many answers came before it ended."""
    page.locator("#pad canvas").scroll_into_view_if_needed()
    box = page.locator("#pad canvas").bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    before = answers(page)
    if device == "desktop":
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            so_far = answers(page)
            page.mouse.move(*place, steps=STEPS)
            wait_for_answer(page, so_far)
        live = answers(page) - before
        page.mouse.up()
        return live
    touch = page.context.new_cdp_session(page)

    def send(kind: str, place: tuple[float, float] | None) -> None:
        points = [] if place is None else [{"x": place[0], "y": place[1]}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", places[0])
    for (x0, y0), (x1, y1) in itertools.pairwise(places):
        so_far = answers(page)
        for step in range(1, STEPS + 1):
            send("touchMove", (x0 + (x1 - x0) * step / STEPS, y0 + (y1 - y0) * step / STEPS))
        wait_for_answer(page, so_far)
    live = answers(page) - before
    send("touchEnd", None)
    return live


def shown(page: Page) -> list[str]:
    return page.locator("#answer li b").all_inner_texts()


def seen(page: Page) -> list[int]:
    """The 784 pixels that the page says the network sees."""
    script = (
        "() => [...document.querySelector('#network_input .pixels').getContext('2d').getImageData(0, 0, 28, 28).data]"
    )
    return list(page.evaluate(script)[::4])


def rounded(probabilities: torch.Tensor) -> list[str]:
    """Probabilities as the page writes them."""
    return ["<1 %" if 0 < each < 0.005 else f"{int(100 * each + 0.5)} %" for each in probabilities.double().tolist()]


def open_tab(page: Page, name: str) -> None:
    tab = page.get_by_role("tab", name=name, exact=True)
    if not tab.is_visible():  # on a phone, the last tabs are in a menu
        page.locator(".overflow-menu > button").click()
        page.locator(".overflow-dropdown button", has_text=name).click()
    else:
        tab.click()


def open_mistakes(page: Page) -> None:
    open_tab(page, "Mistakes")
    page.locator("#mistakes .summary").scroll_into_view_if_needed()
    page.wait_for_selector("#mistakes[data-counted]")


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def upload(page: Page, picture: Image.Image) -> None:
    page.set_input_files("#upload", {"name": "trousers.png", "mimeType": "image/png", "buffer": png(picture)})


def hold_requests(page: Page, action: str) -> list[Route]:
    """Requests for that action of the server are held back from now on, and come into this list."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.url.endswith(f"/{action}"):
            held.append(route)
        else:
            route.continue_()

    page.route(SERVER, hold)
    return held


def wait_for_held(page: Page, held: list[Route]) -> None:
    """Wait until a request has been held back."""
    end = time.monotonic() + 30
    while not held:
        assert time.monotonic() < end, "no request came"
        page.wait_for_timeout(20)  # the routes are told of requests meanwhile


def trousers(cloth: str = "navy", background: str = "white") -> Image.Image:
    picture = Image.new("RGB", (300, 400), background)
    pen = ImageDraw.Draw(picture)
    pen.polygon([(100, 40), (200, 40), (230, 370), (170, 370), (150, 150), (130, 370), (70, 370)], fill=cloth)
    return picture
