"""From starting the program to a page that can be used: ours beside an empty page of Gradio's, in turns.

    python -m benchmarks.start_up [--runs N]

Each run starts a new process (``python app.py``, or one that launches an empty ``gr.Blocks``), opens its address in
headless Chromium as soon as it is printed, and waits for the example's answer, or for the empty page's footer. Needs
Chromium and playwright.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent
EMPTY = """
import gradio
with gradio.Blocks() as page:
    gradio.Markdown("empty")
print("at", page.launch(prevent_thread_lock=True, quiet=True)[1], flush=True)
page.block_thread()
"""
PROGRAMS = {
    "ours": (["app.py", "--host", "127.0.0.1", "--data", "samples"], "#answer[data-answers]"),
    "empty page of Gradio's": (["-c", EMPTY], "footer"),
}


def start(browser: Browser, arguments: list[str], usable: str) -> float:
    """Seconds from starting a process to its page being usable."""
    began = time.perf_counter()
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    program = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert program.stdout is not None
    try:
        address = next(match[0] for line in program.stdout if (match := re.search(r"http://\S+", line)))
        page = browser.new_page()
        page.goto(address, wait_until="commit")
        page.wait_for_selector(usable)
        took = time.perf_counter() - began
        page.close()
    finally:
        program.terminate()
        program.wait()
        program.stdout.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for number in range(options.runs + 1):
            for name, (arguments, usable) in PROGRAMS.items():
                took = start(browser, arguments, usable)
                if number:  # the first of each fills the caches of the disk
                    times[name].append(took)
        browser.close()
    ours, empty = times.values()
    for name, seconds in times.items():
        listed = " ".join(f"{each:.1f}" for each in seconds)
        print(f"{name:24s} n={len(seconds)}   median {statistics.median(seconds):.2f} s   ({listed})")
    print(f"ours takes {statistics.median(ours) / statistics.median(empty):.2f} times as long")


if __name__ == "__main__":
    main()
