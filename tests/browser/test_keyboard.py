"""The whole page by keyboard alone."""

from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, expect
from visitor import answers, open_mistakes, png, settle, trousers, wait_for_answer, with_modules

from demo.requests import ON_PAGE
from fmnist_core.model import Network

MAX_STOPS = 250  # of the Tab key, once around the page


class Keyboard:
    """A visitor without a mouse. Wherever the focus comes, it must be seen and must have a name."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._cdp: CDPSession = page.context.new_cdp_session(page)

    def name(self) -> str:
        """Name of what has the focus, as a screen reader says it; empty between the end of the page and its start."""
        if not self.page.evaluate("document.hasFocus() && document.activeElement !== document.body"):
            return ""
        at = self._cdp.send("Runtime.evaluate", {"expression": "document.activeElement"})["result"]["objectId"]
        tree = self._cdp.send("Accessibility.getPartialAXTree", {"objectId": at, "fetchRelatives": False})
        name = str(tree["nodes"][0].get("name", {}).get("value", ""))
        html = self.page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
        assert name, f"no name: {html}"
        shows = """() => [document.activeElement, document.activeElement.closest('label')].some((each) => {
            const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(each ?? document.body);
            return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && outlineColor !== 'rgb(255, 255, 255)';
        })"""
        self.page.wait_for_function(shows, timeout=2000)  # not at once: some outlines change their colour slowly
        return name

    def go(self, start: str, back: bool = False) -> None:
        """To the next control whose name begins so."""
        for _ in range(MAX_STOPS):
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            if self.name().startswith(start):
                return
        pytest.fail(f"no way to {start!r}")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


def test_a_visit_by_keyboard_alone(fresh_page: Page, tmp_path: Path, original: Network) -> None:
    page = fresh_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    file = {"name": "trousers.png", "mimeType": "image/png", "buffer": png(trousers())}
    page.on("filechooser", lambda chooser: chooser.set_files(file))
    keyboard = Keyboard(page)
    settle(page)

    # A picture of one's own, detected as the wrong kind; then a test image.
    before = answers(page)
    keyboard.go("Upload a picture")
    keyboard.press("Enter")
    wait_for_answer(page, before)
    kind = page.locator("#network_input select")
    expect(kind).to_have_value("product")
    keyboard.go("What kind of picture this is")
    keyboard.press("ArrowDown")
    expect(kind).to_have_value("photo")
    keyboard.go("detect again")
    keyboard.press("Enter")
    expect(kind).to_have_value("product")
    keyboard.go("Step by step")
    keyboard.press("Enter")
    expect(page.locator("#network_input .said")).to_contain_text("Only made grey and resized")
    keyboard.go("Trouser, test image")
    keyboard.press("Enter")
    expect(page.locator("#pad .hint")).to_contain_text("Trouser, test image")

    keyboard.go("Look inside")
    keyboard.go("conv2")
    keyboard.press("Enter")
    expect(page.locator("#feature_maps")).to_have_attribute("data-open", "conv2")
    keyboard.go("Output of conv2")
    keyboard.press("ArrowRight", "ArrowRight")
    expect(page.locator("#channel")).to_have_attribute("data-channel", "conv2 1", timeout=30_000)
    keyboard.go("close")
    keyboard.press("Enter")
    expect(page.locator("#channel .about")).to_be_hidden()
    assert keyboard.name().startswith("Output of conv2")

    keyboard.go("Why", back=True)
    keyboard.press("Enter")
    keyboard.go("For")
    keyboard.press("ArrowDown")
    expect(page.locator("#why")).to_have_attribute("data-label", "0", timeout=30_000)

    keyboard.go("Map", back=True)
    keyboard.press("Enter")
    page.wait_for_selector("#map[data-moving=false]")
    keyboard.go("raw pixels")
    keyboard.press("Space")
    expect(page.locator("#map")).to_have_attribute("data-layout", "pixels")
    page.wait_for_selector("#map[data-moving=false]")
    keyboard.go("Map of the test images")
    keyboard.press("n", "n")
    lit = page.get_attribute("#map", "data-lit")
    keyboard.press("Enter")
    title = str(with_modules(page, "({ samples }, lit) => samples.title(lit)", int(lit or -1)))
    expect(page.locator("#pad .hint")).to_have_text(title)

    keyboard.go("Mistakes", back=True)
    keyboard.press("Enter")
    page.wait_for_selector("#mistakes[data-counted]")
    keyboard.go(page.get_by_role("button", name="× T-shirt/top, recognised").get_attribute("aria-label") or "")
    keyboard.press("ArrowRight", "Space")
    expect(page.locator("#mistakes .images h3")).to_contain_text("T-shirt/top, predicted as")
    keyboard.go("T-shirt/top, test image")
    keyboard.press("Enter")
    expect(page.locator("#pad .hint")).to_contain_text("T-shirt/top, test image")

    keyboard.go("Train", back=True)
    keyboard.press("Enter")
    keyboard.go("Network")
    keyboard.press("ArrowDown")
    expect(page.locator("#train-form [name=architecture]")).to_have_value("deep")
    expect(page.get_by_label("the network that answers now")).to_be_enabled()
    keyboard.go("random weights")
    keyboard.press("ArrowDown")
    expect(page.get_by_label("the network that answers now")).to_be_checked()
    keyboard.go("Network", back=True)
    keyboard.press("ArrowUp")
    expect(page.locator("#train-form [name=architecture]")).to_have_value("original")
    expect(page.get_by_label("random weights")).to_be_checked()  # it is another network that answers
    expect(page.get_by_label("the network that answers now")).to_be_disabled()
    for setting in with_modules(page, "({ facts }) => facts.training.settings"):
        if setting["name"] in ON_PAGE:
            keyboard.go(setting["label"])
    keyboard.go("also for drawings and photos")
    keyboard.press("Space")
    expect(page.locator("#train-form [name=for_people]")).not_to_be_checked()
    keyboard.go("Train")
    keyboard.press("Enter")
    expect(page.locator(".training .status")).to_contain_text("images a second", timeout=180_000)
    keyboard.go("Stop")
    keyboard.press("Enter")
    expect(page.locator(".training")).to_have_attribute("data-state", "trained", timeout=180_000)
    expect(page.locator("#restore")).to_be_enabled(timeout=180_000)
    keyboard.go("Forget my network")
    keyboard.press("Enter")
    expect(page.locator(".training")).to_have_attribute("data-state", "idle")

    keyboard.go("Look inside", back=True)
    keyboard.go("Data")  # the tab: on the way back from the form, its data fraction comes first
    keyboard.press("Enter")
    keyboard.go("Next page")
    keyboard.press("Enter")
    expect(page.locator("#sample_browser .page")).to_have_text("page 2 of 50")

    keyboard.go("Sizes", back=True)
    keyboard.press("Enter")
    keyboard.go("conv4")
    keyboard.press("Enter")
    expect(page.locator("#sizes .result")).to_have_attribute("data-size", "14x14")

    keyboard.go("About", back=True)
    keyboard.press("Enter")
    keyboard.go("Fashion-MNIST")

    keyboard.go("Copy link", back=True)
    keyboard.press("Enter")
    expect(page.locator("#share_link [role=status]")).to_contain_text("Link copied")
    keyboard.go("Save as picture", back=True)
    with page.expect_download() as download:
        keyboard.press("Enter")
    download.value.save_as(tmp_path / "card.png")
    keyboard.go("Answered by")
    keyboard.press("ArrowDown")
    layers = [name for name, _ in original.layers.named_children()]
    expect(page.locator("#feature_maps .layers b")).to_have_text(layers)  # the original network answers


def test_the_keyboard_reaches_everything_with_a_focus_that_shows(page: Page) -> None:
    open_mistakes(page)
    page.locator("#mistakes .most button").first.click()
    page.get_by_role("button", name="Tour").click()
    page.locator("#tour .next").click()
    page.locator(".page_header .guide").focus()
    page.keyboard.press("Shift+Tab")  # before all that is ours
    controls = ["Tour", "Switch between light and dark", "Skip", "Back", "Next", "Save as picture", "Copy link"]
    controls += ["show them on the map", "close"]
    reached = []
    for _ in range(120):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """() => {
                const at = document.activeElement;
                const { outlineStyle, outlineWidth } = getComputedStyle(at);
                return {
                    name: at.getAttribute('aria-label') ?? at.textContent.trim(),
                    ours: at.closest('#tour, .page_header, #keep, #mistakes') !== null,
                    cell: at.closest('td') !== null,
                    shows: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
                };
            }"""
        )
        if focus["ours"]:
            assert focus["shows"], focus
            reached.append("a number" if focus["cell"] else focus["name"])
        if focus["name"] == "Use via API":
            break
    for name in controls:
        assert name in reached, name
    assert reached.count("a number") == 1  # the arrow keys do the rest
    assert sum(" predicted as " in name for name in reached) >= 5  # the most frequent mistakes
    positions = [reached.index(name) for name in ("Tour", "Next", "Save as picture", "a number", "close")]
    assert positions == sorted(positions)
