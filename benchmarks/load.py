"""How many people can draw at once: simulated visitors of ``python app.py``, more and more of them.

    python -m benchmarks.load [--base DIR] [--visitors 1 10 50 100 300] [--seconds N] [--others N]

A visitor draws a stroke of 1.2 seconds, looks at it for 3, and draws on. While the stroke lasts the hand moves 20 times
a second, and the page asks as ``demo/widgets/pad/pad.js`` does: one question under way at a time, about the newest
drawing, and one more at the end of the stroke. Answers hold the maps of the first layer, or the place on the map. After
every tenth stroke (``--others``), the visitor opens a photo, asks for an explanation, looks at the map or at a channel.

Printed for each number of visitors: from question to answer (median, 90th, 95th and 99th percentile), answers to
drawings in each second and what each costs the server (CPU, all that visitors do included), how many drawings a newer
one replaced, how many requests were refused or not answered, the same of everything else, and the server's memory. The
knee is the number of visitors from which the answers in each second hardly grow. The visitors run beside the server, on
the same cores, and cost about 0.3 ms for each answer. With ``--base``, the checkout in that folder takes turns.
"""

import argparse
import asyncio
import base64
import io
import itertools
import json
import os
import random
import re
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw

HERE: Final = Path(__file__).parent.parent
STROKE: Final = 1.2  # seconds
MOVES: Final = 24  # of the hand in it
LOOK: Final = 3.0  # seconds from one stroke to the next
WARM_UP: Final = 4.0  # seconds that are not counted
SIDE: Final = 224  # of the picture that the page sends
KNEE: Final = 0.9  # of the most answers a second
WANTS: Final = ({"maps": "conv1"}, {"maps": "conv1"}, {"coordinates": True})  # two in three look inside
GARMENTS: Final = (  # corners of a stroke, in fractions of the pad
    ((0.35, 0.15), (0.08, 0.45), (0.28, 0.4), (0.28, 0.88), (0.72, 0.88), (0.72, 0.4), (0.92, 0.45), (0.65, 0.15)),
    ((0.35, 0.08), (0.28, 0.92), (0.45, 0.92), (0.5, 0.35), (0.55, 0.92), (0.72, 0.92), (0.65, 0.08), (0.35, 0.08)),
    ((0.15, 0.3), (0.15, 0.75), (0.9, 0.75), (0.88, 0.6), (0.5, 0.5), (0.45, 0.28), (0.15, 0.3)),
)


# --- what visitors send -----------------------------------------------------------------------------------------------


def stroke(corners: tuple[tuple[float, float], ...]) -> list[str]:
    """The drawing after each move of the hand, as the page sends it: PNG files in base64."""
    lengths = [((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 for (x0, y0), (x1, y1) in itertools.pairwise(corners)]
    pictures = []
    for move in range(1, MOVES + 1):
        left, points = sum(lengths) * move / MOVES, [corners[0]]
        for (x0, y0), (x1, y1), length in zip(corners, corners[1:], lengths, strict=False):
            part = min(1.0, left / length)
            points.append((x0 + (x1 - x0) * part, y0 + (y1 - y0) * part))
            left -= length
            if left <= 0:
                break
        picture = Image.new("RGBA", (2 * SIDE, 2 * SIDE), "white")
        ImageDraw.Draw(picture).line([(2 * SIDE * x, 2 * SIDE * y) for x, y in points], "#111111", 18, "curve")
        pictures.append(in_base64(picture.resize((SIDE, SIDE), Image.Resampling.BOX), "PNG"))
    return pictures


def in_base64(picture: Image.Image, kind: str) -> str:
    file = io.BytesIO()
    picture.save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


def make_pictures() -> dict[str, Any]:
    """All that visitors send."""
    pixels = base64.b64encode(Image.effect_noise((28, 28), 80).tobytes()).decode()
    return {"strokes": [stroke(each) for each in GARMENTS], "photo": photo(), "pixels": pixels}


def photo() -> str:
    """A picture file as a phone makes it, made smaller by the page: 2,000 pixels wide, a garment on a table."""
    picture = Image.effect_noise((2000, 1500), 12).point([min(255, each + 40) for each in range(256)]).convert("RGB")
    ImageDraw.Draw(picture).polygon([(1500 * x + 250, 1500 * y) for x, y in GARMENTS[0]], "navy")
    return in_base64(picture, "JPEG")


# --- one visitor ------------------------------------------------------------------------------------------------------


class Browser:
    """Connections to the server, used again and again; as little as HTTP takes, to leave the cores to the server."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._writers: set[asyncio.StreamWriter] = set()

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and contents of the reply."""
        head = f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Length: {len(body)}\r\n"
        more = "Content-Type: application/json\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n"  # as browsers say
        request = (head + more).encode() + body
        while self._idle:  # a connection that the server has closed meanwhile is tried in vain, as by browsers
            with suppress(OSError, asyncio.IncompleteReadError):
                return await self._exchange(*self._idle.pop(), request)
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=2**22)
        self._writers.add(writer)
        return await self._exchange(reader, writer, request)

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> tuple[int, bytes]:
        writer.write(request)
        start = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = re.search(rb"\ncontent-length: (\d+)", start)
        contents = await (reader.readexactly(int(length[1])) if length else self._pieces(reader))
        if b"\nconnection: close" not in start:
            self._idle.append((reader, writer))
        return int(start.split(b" ", 2)[1]), contents

    async def _pieces(self, reader: asyncio.StreamReader) -> bytes:
        contents = b""
        while size := int(await reader.readline(), 16):
            contents += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return contents

    def close(self) -> None:
        """Leave."""
        for writer in self._writers:
            writer.close()


@dataclass
class Log:
    """What came of the requests that ended while it is open."""

    is_open: bool = False
    milliseconds: dict[str, list[float]] = field(default_factory=dict)  # by what was asked
    refused: dict[str, int] = field(default_factory=dict)
    sentences: set[str] = field(default_factory=set)
    replaced: int = 0
    cpu: float = 0  # seconds of the server

    def add(self, action: str, began: float, status: int, reply: bytes) -> None:
        """Note the reply to a request that was sent at ``began``."""
        if not self.is_open:
            return
        if status != 200 or reply.startswith(b'{"error"'):
            self.refused[action] = self.refused.get(action, 0) + 1
            self.sentences.add(f"{status} {reply[:120].decode(errors='replace')}")
        elif reply.startswith(b'{"replaced"'):
            self.replaced += 1
        else:
            self.milliseconds.setdefault(action, []).append(1000 * (time.perf_counter() - began))


class Visitor:
    """Someone who draws, and now and then asks for something else."""

    def __init__(self, server: "Server", log: Log, pictures: Mapping[str, Any], others: float) -> None:
        self._server, self._log, self._pictures, self._others = server, log, pictures, others
        self._name = secrets.token_hex(16)
        self._browser = Browser("127.0.0.1", server.port)
        self._want = random.choice(WANTS)
        self._newest: str | None = None
        self._asking: set[asyncio.Task[None]] = set()

    async def stay(self) -> None:
        """Come at some moment, and draw until cancelled."""
        try:
            await asyncio.sleep(random.uniform(0, STROKE + LOOK))
            while True:
                await self._draw(random.choice(self._pictures["strokes"]))
                if random.random() < self._others:
                    self._start(self._other())
                await asyncio.sleep(LOOK)
        finally:
            for task in self._asking:
                task.cancel()
            self._browser.close()

    async def _draw(self, pictures: Any) -> None:
        began = time.perf_counter()
        drawing: asyncio.Task[None] | None = None
        for number, picture in enumerate(pictures, 1):
            self._newest = picture
            # One question under way while the stroke lasts; its end does not wait.
            if drawing is None or drawing.done() or number == len(pictures):
                drawing = self._start(self._ask_about_newest())
            await asyncio.sleep(max(0, began + STROKE * number / MOVES - time.perf_counter()))

    async def _ask_about_newest(self) -> None:
        while self._newest is not None:
            picture, self._newest = self._newest, None
            await self.ask("answer", picture=picture, want=self._want)

    async def _other(self) -> None:
        await random.choice(
            [
                lambda: self.ask("open_file", file=self._pictures["photo"], name="photo.jpg"),
                lambda: self.ask("reasons", pixels=self._pictures["pixels"], label=None),
                lambda: self.ask("points"),
                lambda: self.ask("channel", layer="conv1", channel=3),
            ]
        )()

    def _start(self, work: Any) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return task

    async def ask(self, action: str, **fields: Any) -> bytes:
        """The reply to a request, which is noted."""
        path, body = self._server.request(action, {"visitor": self._name, **fields})
        began = time.perf_counter()
        try:
            status, reply = await self._browser.post(path, body)
        except (OSError, asyncio.IncompleteReadError) as error:
            status, reply = 0, str(error).encode()
        self._log.add(action, began, status, reply)
        return reply


# --- the server -------------------------------------------------------------------------------------------------------


@dataclass
class Server:
    """A running ``python app.py``."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"
    temporary: Path  # folder of its temporary files
    components: dict[str, int] = field(default_factory=dict)  # for a checkout that asks by Gradio's server functions

    def request(self, action: str, fields: dict[str, Any]) -> tuple[str, bytes]:
        """Path and body of a request."""
        if not self.components:
            return f"/actions/{action}", json.dumps(fields).encode()
        about = {"component_id": self.components[action], "fn_name": action, "session_hash": fields["visitor"][:11]}
        return "/gradio_api/component_server/", json.dumps(about | {"data": fields}).encode()

    def cpu(self) -> float:
        """Seconds of work so far, of the process alone."""
        user, system = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Megabytes in memory, of the process and its children."""
        return sum(_resident(pid) for pid in family(self.process.pid)) / 1024


def family(pid: int) -> list[int]:
    """A process and those that it started."""
    found = [pid]
    for each in found:
        for thread in Path(f"/proc/{each}/task").glob("*"):
            with suppress(OSError):  # it has just ended
                found.extend(map(int, (thread / "children").read_text().split()))
    return found


def _resident(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    size = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(size[1]) if size else 0


@contextmanager
def serving(folder: Path, name: str) -> Iterator[Server]:
    """The page of the checkout in ``folder``, ready to answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "app.py", "--port", str(port), "--data", "samples"]
    with tempfile.TemporaryDirectory() as temporary:
        environment = os.environ | {"TMPDIR": temporary, "HF_HUB_OFFLINE": "1"}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
        try:
            server = Server(name, port, process, Path(temporary))
            wait_until_it_answers(server)
            yield server
        finally:
            process.terminate()
            process.wait(60)


def wait_until_it_answers(server: Server) -> None:
    """Wait until the networks are loaded."""
    for attempt in itertools.count():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/config", timeout=60) as reply:
                config = json.load(reply)
            break
        except OSError:
            if attempt > 600 or server.process.poll() is not None:
                raise
            time.sleep(0.1)
    for part in config["components"]:
        server.components |= dict.fromkeys(part["props"].get("server_fns") or (), part["id"])
    path, body = server.request("answer", {"visitor": "0" * 32, "sample": 1})
    address, headers = f"http://127.0.0.1:{server.port}{path}", {"Content-Type": "application/json"}
    request = urllib.request.Request(address, body, headers)
    urllib.request.urlopen(request, timeout=120).close()


# --- measuring --------------------------------------------------------------------------------------------------------


async def visit(server: Server, visitors: int, seconds: float, pictures: Mapping[str, Any], others: float) -> Log:
    """So many visitors for so long."""
    log = Log()
    tasks = [asyncio.create_task(Visitor(server, log, pictures, others).stay()) for _ in range(visitors)]
    await asyncio.sleep(WARM_UP)
    log.is_open, before = True, server.cpu()
    await asyncio.sleep(seconds)
    log.is_open, log.cpu = False, server.cpu() - before
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return log


def spread(milliseconds: list[float]) -> str:
    """Median, 90th, 95th and 99th percentile."""
    if len(milliseconds) < 2:
        return "      -" * 4
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return "".join(f"{cuts[each - 1]:7.0f}" for each in (50, 90, 95, 99))


def knee(rates: dict[int, float]) -> int:
    """The fewest visitors whose answers in each second are nearly the most that there are."""
    return min(visitors for visitors, rate in rates.items() if rate >= KNEE * max(rates.values()))


def main() -> None:
    """Print one line for each number of visitors and checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, metavar="DIR", help="another checkout, to be measured in turns")
    parser.add_argument("--visitors", type=int, nargs="+", default=[1, 10, 50, 100, 300])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--others", type=float, default=0.1, help="how often something else follows a stroke")
    options = parser.parse_args()
    pictures = make_pictures()
    folders = {"base": options.base, "here": HERE} if options.base else {"here": HERE}
    rates: dict[str, dict[int, float]] = {name: {} for name in folders}
    print(f"{len(os.sched_getaffinity(0))} cores; milliseconds: median, 90th, 95th and 99th percentile")
    print(f"{'visitors':>16s}   drawings {'a second':>31s}  CPU ms  replaced  refused   others {'refused':>27s}     MB")
    for visitors in options.visitors:
        for name, folder in folders.items():
            with serving(folder.resolve(), name) as server:
                log = asyncio.run(visit(server, visitors, options.seconds, pictures, options.others))
                memory = server.memory()
            drawings = log.milliseconds.pop("answer", [])
            rates[name][visitors] = len(drawings) / options.seconds
            refused = log.refused.pop("answer", 0)
            others = [each for some in log.milliseconds.values() for each in some]
            cost = 1000 * log.cpu / max(1, len(drawings))
            of_drawings = f"{spread(drawings)}{rates[name][visitors]:12.1f}{cost:8.1f}{log.replaced:10d}{refused:9d}"
            of_others = f"{spread(others)}{sum(log.refused.values()):9d}"
            print(
                f"{name:8s}{visitors:8d}{of_drawings}{of_others}{memory:7.0f}", *sorted(log.sentences)[:3], flush=True
            )
    for name, rate in rates.items():
        print(f"{name}: the knee is at {knee(rate)} visitors, {max(rate.values()):.0f} answers a second at most")


if __name__ == "__main__":
    main()
