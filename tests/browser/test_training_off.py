"""A server on which nobody may train: the page says so, and offers nothing that would be refused."""

from playwright.sync_api import BrowserContext, Route, expect


def switch_off(route: Route) -> None:
    """The server's reply, as it is with ``--training nobody``."""
    reply = route.fetch()
    told = reply.json()
    if "training" in told:
        told["training"]["isOpen"] = False
    route.fulfill(response=reply, json=told)


def test_the_page_offers_no_training(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    page.route("**/actions/facts", switch_off)
    page.goto(f"{address}#tab=train")
    page.wait_for_selector("#answer[data-answers]")
    expect(page.locator(".training .status")).to_contain_text("Training is switched off on this server.")
    for name in (
        "#retrain",
        "#stop",
        "#restore",
        "#train-form [name=architecture]",
        ".training .charts",
        ".training .progress",
    ):
        expect(page.locator(name)).to_be_hidden()
    expect(page.locator("#download")).to_be_visible()
    expect(page.locator(".correction")).to_be_hidden()
    assert "train the network" not in page.locator(".page_header").inner_text()
    page.locator(".guide").click()
    expect(page.locator(".tour .step")).to_have_text("Step 1 of 4")
    page.locator(".tour .skip").click()
