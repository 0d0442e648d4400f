"""The page as a server: what it serves, and what it does with requests that the page itself would not send."""

import base64
import io
import json
import re
import socket
import sys
import tempfile
import time
from html.parser import HTMLParser
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from demo import payloads, widgets
from demo.limits import Limits
from fmnist_core import dataset, explain, inference
from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.model import Network
from fmnist_core.train_config import recipe

ROOT = Path(__file__).parent.parent
ANNA = "a" * 32
FILE_DATA = {"meta": {"_type": "gradio.FileData"}}
DEADLINE = 120.0
NOT_UPLOADED = "The picture was not uploaded to this server."
GIVEN = {
    "page_header": {"facts"},
    "pad": {"answer", "open_file"},
    "answer": {"choose", "which", "train_state"},
    "feature_maps": {"layers"},
    "channel": {"channel"},
    "why": {"reasons"},
    "map": {"points", "remaining_points"},
    "mistakes": {"points"},
    "compare": {"networks", "which", "compare", "answer", "choose", "rename", "forget"},
    "training": {
        *("train_check", "train_start", "train_state", "train_change", "train_stop"),
        *("which", "choose", "rename"),
        *("restore", "animation", "download"),
    },
}


@pytest.fixture(scope="module")
def http(served_page):
    """A plain HTTP client; a connection for each request, for the server closes it after an error of its own."""
    with httpx.Client(base_url=served_page.url, timeout=DEADLINE, headers={"Connection": "close"}) as client:
        yield client


@pytest.fixture(scope="module")
def html(http):
    reply = http.get("/")
    assert reply.status_code == 200
    return reply.text


@pytest.fixture(scope="module")
def config(http):
    return http.get("config").json()


@pytest.fixture(scope="module")
def facts(http):
    return call(http, "facts", {"visitor": ANNA})


# --- the document ---------------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """The elements of a document: (name, attributes)."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def test_facts_are_those_of_the_shipped_networks(facts, shipped_session, original_session, samples, served_page):
    static = f"gradio_api/file={served_page.static.as_posix()}"
    sessions = [shipped_session, original_session]
    expected = payloads.facts(sessions, samples.test, f"{static}/samples.png", Limits()) | {
        "sprite": f"{static}/sprite.png",
        "session": facts["session"],
        "data": "Training uses the 10,000 training and 2,000 test images that are shipped with the program.",
        "training": payloads.training_form(False, Limits()),
    }
    assert facts == json.loads(json.dumps(expected))
    assert facts["session"] == served_page.handlers.serve("which", {"visitor": ANNA})["session"]
    assert [each["id"] for each in facts["networks"]] == ["deep", "original"]


def test_head_loads_the_modules_and_holds_nothing_else(html, http):
    # Gradio sends our part of the head within its settings, and puts it in its place later.
    start = html.index("window.gradio_config = ") + len("window.gradio_config = ")
    head = json.JSONDecoder().raw_decode(html, start)[0]["head"]
    addresses = re.findall(r'<link rel="modulepreload" href="([^"]*)">\n?', head)
    assert head == "\n".join(f'<link rel="modulepreload" href="{address}">' for address in addresses)
    place = re.match(r"widgets/[0-9a-f]{16}/", addresses[0])[0]
    names = [file.relative_to(widgets.FOLDER).as_posix() for file in widgets.FOLDER.rglob("*.js")]
    assert sorted(addresses) == sorted(f"{place}{name}" for name in names)
    for name in names:
        reply = http.get(f"{place}{name}")
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/javascript")
        assert "content-disposition" not in reply.headers
        # The version is in the address: the browser may keep them, and never asks for an old one.
        assert "immutable" in reply.headers["cache-control"]
        assert reply.text == (widgets.FOLDER / name).read_text(encoding="utf-8")


def test_beside_the_modules_nothing_is_served(html, http):
    place = re.search(r"widgets/[0-9a-f]{16}", html)[0]
    assert http.get(f"{place}/mount.js").status_code == 200
    for name in ("pad/pad.html", "pad/pad.css", "types.d.ts", "__init__.py", "../page.py", "%2e%2e/page.py", "", "pad"):
        assert http.get(f"{place}/{name}").status_code == 404, name
    assert http.get("widgets/mount.js").status_code == 404
    assert http.get(f"widgets/{16 * '0'}/mount.js").status_code == 404  # of another version


def test_training_form_has_the_networks_and_the_recipe_of_the_core(facts):
    networks = {each["id"]: each["parameters"] for each in facts["training"]["architectures"]}
    assert networks == {name: Network(name).parameter_count for name in ARCHITECTURES}
    values = {each["name"]: each["value"] for each in facts["training"]["settings"]}
    expected = recipe(next(iter(networks)))  # of the network that is chosen at first
    assert values["learning_rate"] == expected.learning_rate
    assert values["batch_size"] == expected.batch_size


def test_the_page_is_built_without_torch(python):
    program = "import sys, demo.page; print('torch' in sys.modules, 'gradio' in sys.modules)"
    assert python("-W", "ignore", "-c", program).stdout == "False True\n"


def test_nothing_is_loaded_from_another_host(html, http, served_page):
    loading = {"script", "img", "iframe", "source", "video", "audio", "embed", "object", "link", "base", "form"}
    addresses = [
        attributes[name]
        for tag, attributes in Elements(html).found
        if tag in loading
        for name in ("src", "href", "data", "action", "srcset")
        if attributes.get(name)
    ]
    assert any(address.endswith(".js") for address in addresses)
    for address in addresses:
        assert address.startswith(served_page.url) or not re.match(r"(?i)\s*([a-z]+:|//)", address), address
    assert "fonts.googleapis" not in html
    assert "fonts.gstatic" not in html
    sheets = [http.get(address).text for address in ("theme.css", "gradio_api/theme.css")]
    for css in (*sheets, widgets.styles(), *re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL)):
        assert "@import" not in css
        assert not re.search(r"url\(\s*['\"]?\s*(https?:)?//", css)
        assert "@font-face" not in css


def test_nothing_names_another_place_on_this_machine(config, html, facts, served_page):
    assert str(served_page.static) in json.dumps(facts)
    for text in (json.dumps(config), html, json.dumps(facts)):
        told = text.replace(served_page.static.as_posix(), "")
        for secret in (ROOT, Path.home(), Path(sys.prefix), Path(tempfile.gettempdir()), served_page.uploads):
            assert f"{secret}/" not in told
            assert str(served_page.static.parent) not in told


def test_every_widget_is_on_the_page_with_its_server_functions(config):
    parts = {part["props"].get("elem_id"): part for part in config["components"]}
    assert set(widgets.NAMES) < set(parts)
    functions = {name: parts[name]["props"].get("server_fns") for name in widgets.NAMES}
    assert {name: set(names) for name, names in functions.items() if names} == GIVEN
    form = parts["training"]["props"]["html_template"]
    for identity in ("retrain", "stop", "restore", "train-form"):
        assert form.count(f'id="{identity}"') == 1
    assert "workbench" in parts
    ids = [part["props"]["elem_id"] for part in config["components"] if part["props"].get("elem_id")]
    assert len(ids) == len(set(ids))


# --- files ----------------------------------------------------------------------------------------------------------


def test_sheet_and_sprite_are_served(http, facts, samples):
    sheet = Image.open(io.BytesIO(http.get(facts["samples"]["sheet"]).content))
    assert sheet.mode == "L"
    columns = facts["samples"]["columns"]
    for index in (0, 49, 50, 1999):
        left, top = 28 * (index % columns), 28 * (index // columns)
        cell = np.asarray(sheet.crop((left, top, left + 28, top + 28)))
        assert (cell == samples.test.pixels[index].numpy()).all()
    sprite = Image.open(io.BytesIO(http.get(facts["sprite"]).content))
    assert (np.asarray(sprite) == np.asarray(dataset.sprite(samples.train))).all()


def test_no_other_file_is_served(http, served_page):
    static = served_page.static
    neighbour = static.parent / "neighbour.txt"
    neighbour.write_text("a secret of the neighbour")
    sibling = static.parent / f"{static.name}-more"
    sibling.mkdir(exist_ok=True)
    (sibling / "x.txt").write_text("a secret beside")
    paths = [neighbour, sibling / "x.txt", static, static.parent, f"{static}/../neighbour.txt"]
    paths += [f"{static}/%2e%2e/neighbour.txt", "/etc/passwd", "//etc/passwd", f"{static}/../../../../../../etc/passwd"]
    paths += ["app.py", ROOT / "app.py", ROOT / "demo" / "page.py", ROOT / "weights" / "deep" / "config.json"]
    paths += [widgets.FOLDER / "mount.js", widgets.FOLDER / "pad" / "pad.html"]
    paths += [f"file:///{neighbour}", "http://127.0.0.1:1/", f"{static}/none.png", ""]
    for path in paths:
        reply = http.get(f"gradio_api/file={path}")
        assert reply.status_code in (400, 403, 404, 405), path
        assert "secret" not in reply.text
        assert "root:" not in reply.text
        assert "import" not in reply.text
    assert http.get(f"gradio_api/file={static}/samples.png").status_code == 200


# --- /predict -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(served_page):
    client = Client(served_page.url, verbose=False)
    yield client
    client.close()


@pytest.fixture
def drawing(trousers, tmp_path):
    trousers.save(tmp_path / "My drawing.png")
    return tmp_path / "My drawing.png"


def test_api_gives_the_answer_of_the_command_line(client, cli, drawing, http, samples, tmp_path):
    sample = tmp_path / "sample.png"
    Image.fromarray(samples.test.pixels[8].numpy()).save(sample)
    for path in (drawing, sample):
        said = json.loads(cli("predict", path, "--json").out)
        answer = client.predict(handle_file(str(path)), api_name="/predict")
        assert answer.pop("file") == path.name
        assert said.pop("file") == str(path)
        assert answer.pop("probabilities") == pytest.approx(said.pop("probabilities"), rel=1e-5, abs=1e-9)
        assert answer == said
        reply = call(http, "answer", {"visitor": ANNA, "picture": in_base64(path.read_bytes()), "name": path.name})
        probabilities = json.loads(cli("predict", path, "--json").out)["probabilities"]
        assert reply["probabilities"] == pytest.approx(list(probabilities.values()), rel=1e-5, abs=1e-9)
    assert said["error"] is None


def test_api_says_what_is_wrong_with_a_file(client, cli, tmp_path):
    bad = tmp_path / "text.png"
    bad.write_text("This is no picture.")
    answer = client.predict(handle_file(str(bad)), api_name="/predict")
    assert answer == json.loads(cli("predict", bad, "--json").out) | {"file": "text.png"}
    assert answer["error"].startswith("text.png is not a picture")
    blank = tmp_path / "blank.png"
    Image.new("L", (60, 60), 255).save(blank)
    assert "empty" in client.predict(handle_file(str(blank)), api_name="/predict")["error"]


def test_api_names_only_predict(http, config):
    named = http.get("gradio_api/info").json()["named_endpoints"]
    assert list(named) == ["/predict"]
    (parameter,) = named["/predict"]["parameters"]
    assert parameter["parameter_name"] == "picture"
    assert "path" in parameter["type"]["properties"]
    assert http.get("gradio_api/info").json()["unnamed_endpoints"] == {}


def predict(http, picture):
    """What ``/predict`` replies to a raw request: its answer, or None when Gradio refused; and all that it sent."""
    reply = http.post("gradio_api/call/predict", json={"data": [picture]})
    assert reply.status_code == 200
    stream = http.get(f"gradio_api/call/predict/{reply.json()['event_id']}").text
    kind, data = re.search(r"event: (complete|error)\ndata: (.*)\n", stream).groups()
    return (json.loads(data)[0] if kind == "complete" else None), stream


def upload(http, name, contents):
    (path,) = http.post("gradio_api/upload", files={"files": (name, contents)}).json()
    return path


@pytest.mark.parametrize("more", [{}, FILE_DATA, FILE_DATA | {"orig_name": "x.png"}], ids=["plain", "meta", "named"])
def test_api_opens_what_was_uploaded(http, drawing, more):
    answer, _ = predict(http, {"path": upload(http, drawing.name, drawing.read_bytes())} | more)
    assert answer["name"] == "Trouser"
    assert answer["error"] is None


@pytest.mark.parametrize("more", [{}, FILE_DATA, {"url": "/etc/passwd"}, {"orig_name": "x.png", "is_stream": True}])
def test_api_opens_no_other_file(http, drawing, served_page, more):
    served_page.static.joinpath("drawing.png").write_bytes(drawing.read_bytes())  # it would be read, if it were opened
    bait = [str(drawing), str(served_page.static / "drawing.png"), f"{served_page.uploads}/../{drawing.name}"]
    for path in [*bait, "/etc/passwd", str(ROOT / "app.py"), "app.py", str(served_page.uploads), "", "\0", "x" * 5000]:
        answer, stream = predict(http, {"path": path, **more})
        assert answer is not None or more, path  # with more, Gradio may refuse it before we do
        if answer is not None:
            assert answer["error"] == NOT_UPLOADED
            assert answer["label"] is answer["probabilities"] is None
        assert "root:" not in stream
        assert "import" not in stream
        assert "Trouser" not in stream


@pytest.mark.parametrize("picture", [None, "x", 5, [], {}, {"path": 5}, {"url": "x"}, [FILE_DATA], {"path": {}}])
def test_api_with_an_odd_body(http, picture):
    answer, _ = predict(http, picture)
    nothing = dict.fromkeys(("kind", "label", "name", "probabilities", "familiarity"))
    assert answer == {"file": "picture", **nothing, "error": NOT_UPLOADED}


def test_api_fetches_nothing_from_the_server_s_own_network(http):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/picture.png"
        for picture in ({"path": address}, {"path": address} | FILE_DATA, {"path": "x", "url": address} | FILE_DATA):
            answer, _ = predict(http, picture)
            assert answer is None or answer["label"] is None
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_files_sent_to_the_api_are_forgotten(launch_page, served_page, drawing):
    frequency, age = served_page.blocks.delete_cache
    assert 0 < frequency <= 600
    assert 0 < age <= 600
    hasty = launch_page(delete_cache=(0.05, 0.05))
    with httpx.Client(base_url=hasty.url, timeout=DEADLINE) as http:
        path = Path(upload(http, "secret.png", b"only of this test" + drawing.read_bytes()))
        deadline = time.monotonic() + DEADLINE
        while path.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert path.is_relative_to(hasty.uploads)


# --- server functions -----------------------------------------------------------------------------------------------


def in_base64(contents):
    return base64.b64encode(contents).decode()


def post(http, name, data, widget=None):
    config = http.get("config").json()
    widget = widget or next(widget for widget, functions in GIVEN.items() if name in functions)
    (identity,) = (part["id"] for part in config["components"] if part["props"].get("elem_id") == widget)
    body = {"session_hash": "test", "component_id": identity, "fn_name": name, "data": data}
    # Not httpx's own JSON, which refuses what is no JSON by the book: a rude client does not.
    return http.post(
        "gradio_api/component_server", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )


def call(http, name, data):
    reply = post(http, name, data)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_server_functions_answer(http, drawing, shipped, samples):
    answer = call(http, "answer", {"visitor": ANNA, "sample": 5, "want": {"maps": "conv1", "coordinates": True}})
    reading = inference.read_pixels(shipped, samples.test.pixels[5])
    assert answer["probabilities"] == pytest.approx(reading.probabilities.tolist(), rel=1e-5, abs=1e-9)
    assert answer["maps"]["layer"] == "conv1"
    rows = call(http, "layers", {"visitor": ANNA})["layers"]
    assert [row["name"] for row in rows] == list(reading.trace.maps)
    channel = call(http, "channel", {"visitor": ANNA, "layer": "conv1", "channel": 2})
    assert (channel["layer"], channel["channel"]) == ("conv1", 2)
    top = explain.load(ROOT / "weights" / "deep", shipped)["conv1"]
    assert [each["index"] for each in channel["top"]] == top.indices[2].tolist()
    assert call(http, "reasons", {"visitor": ANNA, "pixels": answer["pixels"], "label": None})["label"] == reading.label
    assert call(http, "choose", {"visitor": ANNA, "network": "deep"}) == {}
    assert "There is no network" in call(http, "choose", {"visitor": ANNA, "network": "yours"})["error"]
    assert 5 not in [near["index"] for near in answer["nearest"]]
    assert call(http, "points", {"visitor": ANNA}).keys() == {"pca", "pixels", "tsne", "predictions", "remaining"}
    assert call(http, "open_file", {"visitor": ANNA, "file": in_base64(drawing.read_bytes())}).keys() == {
        "picture",
        "pixels",
        "kind",
        "steps",
    }
    assert call(http, "train_state", {"visitor": ANNA, "seen": 0})["events"] == []
    assert call(http, "train_stop", {"visitor": ANNA}) == {}
    assert call(http, "restore", {"visitor": ANNA}) == {}


ODD = [
    None,
    [],
    "x",
    5,
    True,
    [{"visitor": ANNA}],
    {},
    {"visitor": None},
    {"visitor": "../../etc/passwd"},
    {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
    {"visitor": ANNA * 1000},
]


@pytest.mark.parametrize("name", sorted(set.union(*GIVEN.values())))
def test_odd_bodies_are_answered_with_a_sentence(http, name):
    for data in ODD:
        reply = call(http, name, data)
        assert reply.keys() == {"error"}
        assert reply["error"].endswith(".")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("answer", {"sample": True}),
        ("answer", {"sample": 10**30}),
        ("answer", {"sample": float("nan")}),
        ("answer", {"picture": "é"}),
        ("answer", {"picture": "dGV4dA==", "name": "\ud800"}),
        ("answer", {"picture": {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}}),
        ("open_file", {"file": "dGV4dA==", "name": "</script><b>"}),
        ("train_start", {"settings": {"architecture": "original", "epochs": 10**400}}),
        ("train_start", {"settings": {"architecture": "\ud800"}}),
        ("train_start", {"settings": {"architecture": "custom", "layers": [{"layer": "\ud800", "kernel": 10**400}]}}),
        ("train_check", {"architecture": "custom", "layers": {"layer": "conv"}}),
        ("train_start", {"settings": {"architecture": "original", "epochs": float("inf")}}),
    ],
)
def test_rude_requests_are_answered_with_a_sentence(http, name, data):
    reply = call(http, name, {"visitor": ANNA} | data)
    assert reply.keys() == {"error"}
    assert reply["error"].endswith(".")


def test_what_is_no_number_in_json_goes_out_as_null(http, served_page, monkeypatch):
    # A loss may be none for some steps, before the training notices.
    training = served_page.handlers._training
    monkeypatch.setattr(training, "state", lambda *_: {"events": [{"loss": float("nan")}, {"loss": float("inf")}]})
    assert call(http, "train_state", {"visitor": ANNA, "seen": 0}) == {"events": [{"loss": None}, {"loss": None}]}


def test_files_in_a_body_are_refused(http, config):
    (pad,) = (part["id"] for part in config["components"] if part["props"].get("elem_id") == "pad")
    fields = {"session_hash": "x", "component_id": str(pad), "fn_name": "answer"}
    reply = http.post("gradio_api/component_server", data=fields, files={"file": ("x.png", b"x")})
    assert reply.status_code == 200
    assert reply.json().keys() == {"error"}


@pytest.mark.parametrize(
    "name",
    ["points", "none", "", "__class__", "__init__", "get_config", "postprocess", "server_fns", "_training", "restore"],
)
def test_only_a_widget_s_own_functions_can_be_called(http, name):
    assert post(http, name, {"visitor": ANNA}, widget="pad").status_code == 404


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"data": 1}', '{"session_hash": 1, "component_id": "x"}'])
def test_bodies_that_are_no_call_are_refused(http, body):
    reply = http.post("gradio_api/component_server", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= reply.status_code < 500


def test_the_page_still_answers(http):
    """Last: nothing of the above has shaken it."""
    assert call(http, "answer", {"visitor": ANNA, "sample": 0})["words"]


# --- what other sites, and large requests, get ----------------------------------------------------------------------


def test_pages_of_other_sites_are_refused_and_programs_are_not(http):
    for path in ("/", "/gradio_api/info"):
        assert http.get(path).status_code == 200
        assert http.get(path, headers={"origin": str(http.base_url).rstrip("/")}).status_code == 200
        assert http.get(path, headers={"origin": "https://evil.example"}).status_code == 403
    assert http.get("/").headers["content-security-policy"] == "frame-ancestors 'self'"


def test_a_request_that_grows_too_large_is_refused_in_our_words(http):
    """Its length is not told before, so that it is only known once so much has come."""
    reply = http.post("/gradio_api/upload", content=(bytes(2**20) for _ in range(31)))
    assert (reply.status_code, reply.json()) == (413, {"error": "The request is larger than 30 MB."})
