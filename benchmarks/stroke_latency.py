"""From the end of a stroke to painted bars: our page beside a page with gr.Sketchpad, in one run of one browser.

Also to the maps of the open layer and the place on the map, and how many answers come while a stroke is drawn.

    python -m benchmarks.stroke_latency [--strokes N] [--sketchpad-strokes N]

Both pages use the same network and the same preparation, on this machine, in headless Chromium. A stroke ends with the
pointerup event; the bars are painted at the first animation frame after the last change that the stroke caused. The
strokes of the two pages take turns, so that a busy machine slows both. Needs Chromium and playwright.
"""

import argparse
import math
import os
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import Future
from pathlib import Path

import gradio as gr
import torch
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from demo.loading import load_handlers
from demo.page import build_page, launch
from fmnist_core import CLASS_NAMES, checkpoint, inference
from fmnist_core.__main__ import DEFAULT_WEIGHTS

WEIGHTS = DEFAULT_WEIGHTS
VIEWS = {"bars alone": ("About", "#answer"), "with maps": ("Look inside", "body"), "with the map": ("Map", "body")}
QUIET = {"ours": 400, "sketchpad": 4000}  # milliseconds without a change after which a stroke's answers are all in

# Times (performance.now) of the last pointerup and of the first frame after each change of the watched element.
WATCH = """selector => {
    window.ended = 0;
    window.painted = 0;
    window.addEventListener('pointerup', () => { window.ended = performance.now(); }, true);
    const changes = {subtree: true, childList: true, attributes: true, characterData: true};
    new MutationObserver(() => requestAnimationFrame(() => { window.painted = performance.now(); }))
        .observe(document.querySelector(selector), changes);
}"""
SETTLED = "quiet => window.ended && performance.now() - Math.max(window.painted, window.ended) > quiet"


def sketchpad_page() -> gr.Blocks:
    """What such demos usually are: gr.Sketchpad, its change event, gr.Label."""
    network = checkpoint.load(WEIGHTS)

    def recognise(value: dict[str, Image.Image | None]) -> dict[str, float]:
        if value["composite"] is None:
            return {}
        reading = inference.read_picture(network, value["composite"])
        return dict(zip(CLASS_NAMES, reading.probabilities.tolist(), strict=True))

    with gr.Blocks() as page:
        pad = gr.Sketchpad(type="pil", canvas_size=(280, 280), fixed_canvas=True, elem_id="sketchpad")
        label = gr.Label(num_top_classes=10, elem_id="label")
        pad.change(recognise, pad, label, show_progress="hidden")
    return page


def stroke(page: Page, canvas: str, number: int, quiet: int) -> float:
    """Draw one stroke; milliseconds from its end to painted bars."""
    box = page.locator(canvas).first.bounding_box()
    assert box is not None
    # The square in the middle: gr.Sketchpad's canvas is wider than its paper.
    width = height = 0.8 * min(box["width"], box["height"])
    x, y = box["x"] + (box["width"] - width) / 2, box["y"] + (box["height"] - height) / 2
    page.evaluate("() => { window.painted = window.ended = 0; }")
    shift = 0.03 * (number % 10)
    page.mouse.move(x + (0.2 + shift) * width, y + 0.25 * height)
    page.mouse.down()
    page.mouse.move(x + (0.5 + shift) * width, y + (0.7 - shift) * height, steps=12)
    page.mouse.move(x + (0.3 + shift) * width, y + 0.75 * height, steps=12)
    page.mouse.up()
    page.wait_for_function(SETTLED, arg=quiet, timeout=60_000)
    return float(page.evaluate("() => Math.max(0, window.painted - window.ended)"))  # 0: all was painted before


def answers_a_second(page: Page, seconds: float) -> float:
    """How many answers are painted each second while a stroke is drawn, with a movement of the mouse every 8 ms."""
    box = page.locator("#pad canvas").bounding_box()
    assert box is not None
    x, y, side = box["x"], box["y"], box["width"]
    page.mouse.move(x + 0.2 * side, y + 0.5 * side)
    page.mouse.down()
    count = "() => [Number(document.querySelector('#answer').dataset.answers), performance.now()]"
    first, began = page.evaluate(count)
    end = time.perf_counter() + seconds
    angle = 0.0
    while time.perf_counter() < end:
        angle += 0.004
        page.mouse.move(x + (0.5 + 0.3 * math.cos(angle)) * side, y + (0.5 + 0.3 * math.sin(angle)) * side)
        time.sleep(0.008)
    last, ended = page.evaluate(count)
    page.mouse.up()
    return float((last - first) / (ended - began) * 1000)


def summary(name: str, times: list[float]) -> str:
    low, middle, high = statistics.quantiles(times, n=4)
    spread = f"quartiles {low:.1f} .. {high:.1f}   most {max(times):.1f}"
    return f"{name:28s} n={len(times):3d}   median {middle:7.1f} ms   {spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strokes", type=int, default=40)
    parser.add_argument("--sketchpad-strokes", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    times: dict[str, list[float]] = {name: [] for name in (*VIEWS, "sketchpad")}
    with tempfile.TemporaryDirectory() as static, sync_playwright() as playwright:
        handlers = Future()
        handlers.set_result(load_handlers(WEIGHTS, "samples", Path(static)))
        ours = launch(build_page(handlers, Path(static)), "127.0.0.1")
        _, theirs, _ = sketchpad_page().launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        other = browser.new_page()
        pages = {}
        for name, (tab, watched) in VIEWS.items():
            page = pages[name] = browser.new_page()
            page.add_init_script("localStorage.setItem('fmnist-toured', 'yes')")  # no guided tour beside the strokes
            page.set_viewport_size({"width": 1280, "height": 1600})  # the pad and the view both in sight
            page.goto(ours)
            page.wait_for_selector("#answer[data-answers]")
            page.get_by_role("tab", name=tab, exact=True).click()
            page.evaluate(WATCH, watched)
        other.goto(theirs)
        other.get_by_role("button", name="Brush").click()
        other.evaluate(WATCH, "#label")
        stroke(other, "#sketchpad canvas", 0, QUIET["sketchpad"])  # warms everything up
        every = max(1, options.strokes // max(1, options.sketchpad_strokes))
        for number in range(options.strokes + 2):
            for name, page in pages.items():
                page.bring_to_front()
                if number % 10 == 0:
                    page.get_by_role("button", name="Clear").click()
                took = stroke(page, "#pad canvas", number, QUIET["ours"])
                if number >= 2:  # the first two warm everything up
                    times[name].append(took)
            if number % every == 0 and len(times["sketchpad"]) < options.sketchpad_strokes:
                other.bring_to_front()
                times["sketchpad"].append(stroke(other, "#sketchpad canvas", number, QUIET["sketchpad"]))
        rates = {}
        for name, page in pages.items():
            page.bring_to_front()
            rates[name] = [answers_a_second(page, 3) for _ in range(3)]
        browser.close()
    print(
        f"{os.cpu_count()} cores, gradio {gr.__version__}, torch {torch.__version__}, Python {sys.version.split()[0]}"
    )
    print("from the end of a stroke to the last thing painted:")
    for name in VIEWS:
        print(summary(f"our page, {name}", times[name]))
    print(summary("gr.Sketchpad, 280 px", times["sketchpad"]))
    print("answers a second while a stroke is drawn, 3 strokes of 3 s:")
    for name, rate in rates.items():
        print(f"our page, {name:17s}" + "  ".join(f"{value:.1f}" for value in rate))


if __name__ == "__main__":
    main()
