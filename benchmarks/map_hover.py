"""How fast the map follows: from a moving pointer to a painted frame, and the frames while the layout changes.

    python -m benchmarks.map_hover [--moves N] [--switches N]

On this machine, in headless Chromium (1280 × 1000): with 2,000 points, and with 10,000 where the data set is found.
"Found" is the time in the map's own handlers of one pointermove, the search for the mark below the pointer included;
"painted" is from the event to the first frame after it. A frame of a switch is the time from one frame to the next.
Needs Chromium and playwright.
"""

import argparse
import os
import shutil
import sys
import tempfile
from concurrent.futures import Future
from pathlib import Path

import gradio as gr
import numpy as np
import torch
from playwright.sync_api import Page, sync_playwright

from demo.loading import load_handlers
from demo.page import build_page, launch
from fmnist_core import dataset
from fmnist_core.__main__ import DEFAULT_WEIGHTS

# Moves the pointer over the map, each time to the place of another image, and times what follows.
HOVER = """async moves => {
    const canvas = document.querySelector('#map .over');
    const box = canvas.getBoundingClientRect();
    const nextFrame = () => new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));
    const [found, painted] = [[], []];
    let hits = 0;
    for (let i = 0; i < moves; i++) {
        const [x, y] = [0.05 + 0.9 * ((i * 0.618) % 1), 0.05 + 0.9 * ((i * 0.755) % 1)];
        const event = new PointerEvent('pointermove', {
            clientX: box.left + x * box.width, clientY: box.top + y * box.height, pointerType: 'mouse', bubbles: true,
        });
        const start = performance.now();
        canvas.dispatchEvent(event);
        found.push(performance.now() - start);
        await nextFrame();
        painted.push(performance.now() - start);
        hits += document.querySelector('#map').dataset.lit !== '';
    }
    return {found, painted, hits};
}"""

# Changes the layout and gives the times between the frames until all points have arrived.
SWITCH = """async layout => {
    const map = document.querySelector('#map');
    const frames = [];
    document.querySelector(`#map [data-layout=${layout}]`).click();
    let before = await new Promise(requestAnimationFrame);
    while (map.dataset.moving === 'true') {
        const now = await new Promise(requestAnimationFrame);
        frames.push(now - before);
        before = now;
    }
    return frames;
}"""


def summary(name: str, times: list[float]) -> str:
    middle, high = np.percentile(times, [50, 95])
    return f"{name:26s} n={len(times):4d}   median {middle:6.1f} ms   95th percentile {high:6.1f} ms"


def measure(page: Page, points: int, moves: int, switches: int) -> None:
    page.wait_for_selector(f"#map[data-points='{points}'][data-moving=false]", timeout=300_000)
    page.locator("#map .plane").scroll_into_view_if_needed()
    print(f"{points:,} points:")
    page.evaluate(HOVER, 20)  # warms up
    hover = page.evaluate(HOVER, moves)
    print(summary("  hover: found", hover["found"]), f"  ({hover['hits']} on a mark)")
    print(summary("  hover: painted", hover["painted"]))
    frames: list[float] = []
    for number in range(switches):
        frames += page.evaluate(SWITCH, ("tsne", "pixels", "pca")[number % 3])
    print(summary("  layout switch: frames", frames))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=300)
    parser.add_argument("--switches", type=int, default=12)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as static, sync_playwright() as playwright:
        handlers = Future()
        handlers.set_result(load_handlers(DEFAULT_WEIGHTS, dataset.find(), Path(static)))
        url = launch(build_page(handlers, Path(static)), "127.0.0.1")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.add_init_script("localStorage.setItem('fmnist-toured', 'yes')")  # no guided tour meanwhile
        page.goto(url)
        page.wait_for_selector("#answer[data-answers]")
        page.get_by_role("tab", name="Map", exact=True).click()
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, gradio {gr.__version__}, {sys.platform}")
        measure(page, 2000, options.moves, options.switches)
        if page.locator("#map .more").is_visible():
            page.locator("#map .more").click()
            measure(page, 10_000, options.moves, options.switches)
        browser.close()


if __name__ == "__main__":
    main()
