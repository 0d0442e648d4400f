"""The widgets' files: complete, harmless as templates, and in agreement with what the server offers.

What the JavaScript may do is checked by TypeScript and ESLint: ``npm run check``.
"""

import re
import shutil

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demo import widgets
from demo.handlers import Handlers
from demo.widgets import FOLDER, NAMES, Modules


@pytest.fixture(scope="module")
def modules():
    return Modules()


@pytest.fixture(scope="module")
def client(modules):
    """A browser of the modules alone."""
    with TestClient(Starlette(routes=[modules.route()])) as client:
        yield client


def test_every_folder_is_a_widget_with_all_its_files_and_no_others():
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name not in ("shared", "__pycache__")}
    assert folders == set(NAMES)
    for name in NAMES:
        files = {path.name for path in (FOLDER / name).iterdir()}
        needed = {f"{name}.html", f"{name}.css", f"{name}.js"}
        assert needed <= files
        assert all(file.endswith(".js") for file in files - needed)
        assert all(path.read_text(encoding="utf-8").strip() for path in (FOLDER / name).iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_template_holds_no_code(name, modules):
    html = (FOLDER / name / f"{name}.html").read_text(encoding="utf-8")
    assert "${" not in html
    assert "{{" not in html
    assert not re.search(r"<script|\son\w+\s*=|javascript:", html, re.IGNORECASE)
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", html)
    assert widgets.widget(name, modules).html_template == html


def addresses_of(modules):
    return re.findall(r'^<link rel="modulepreload" href="([^"]*)">$', modules.preloads(), re.MULTILINE)


def test_modules_are_served_and_nothing_else(modules, client):
    addresses = addresses_of(modules)
    assert len(addresses) == len(modules.preloads().splitlines())
    place = re.match(r"widgets/[0-9a-f]{16}/", addresses[0])[0]
    names = {address.removeprefix(place) for address in addresses}
    assert names == {file.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("*.js")}
    for name in names:
        assert client.get(f"{place}{name}").content == (FOLDER / name).read_bytes()
    for name in ("types.d.ts", "pad/pad.html", "pad/pad.css", "__init__.py", "%2e%2e/page.css", ""):
        assert client.get(f"{place}{name}").status_code == 404


def test_modules_of_another_version_have_another_address(modules, tmp_path, monkeypatch):
    copied = tmp_path / "widgets"
    shutil.copytree(FOLDER, copied)
    monkeypatch.setattr(widgets, "FOLDER", copied)
    assert addresses_of(Modules()) == addresses_of(modules)  # kept by the browser when the server starts again
    (copied / "shared" / "text.js").write_text("// another\n")
    assert not set(addresses_of(Modules())) & set(addresses_of(modules))


def test_modules_are_loaded_in_advance_first_those_that_bring_the_facts(modules):
    folders = [address.split("/")[2:-1] for address in addresses_of(modules)]
    names = [folder[0] if folder else "" for folder in folders]
    assert set(names[: names.index("answer")]) == set(widgets.FIRST)


def test_types_name_the_actions_of_the_server():
    """TypeScript sees to it that a widget asks for no others."""
    types = (FOLDER / "types.d.ts").read_text(encoding="utf-8")
    table = re.search(r"^export interface Servers \{\n(.*?)^\}", types, re.MULTILINE | re.DOTALL)[1]
    assert set(re.findall(r"^  (\w+): \{", table, re.MULTILINE)) < set(NAMES)
    actions = {name for name, method in vars(Handlers).items() if hasattr(method, "request")}
    assert set(re.findall(r"(\w+): Ask<", table)) == actions


def test_styles_load_nothing():
    css = widgets.styles()
    assert "@import" not in css
    assert "url(" not in css
    assert "</style" not in css
    assert (FOLDER.parent / "page.css").read_text(encoding="utf-8") in css
    for name in NAMES:
        assert (FOLDER / name / f"{name}.css").read_text(encoding="utf-8") in css


@pytest.mark.parametrize("name", NAMES)
def test_styles_of_a_widget_speak_of_nothing_else(name):
    """So their order does not matter. A widget's own elements are named by its class, or by an id in its template."""
    html = (FOLDER / name / f"{name}.html").read_text(encoding="utf-8")
    own = "|".join([rf"[.#]{name}", *(f"#{identity}" for identity in re.findall(r'\sid="([^"]+)"', html))])
    css = re.sub(r"/\*.*?\*/", "", (FOLDER / name / f"{name}.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    selectors = [rule for rule in re.findall(r"([^{}]+)\{", css) if not rule.strip().startswith("@media")]
    for selector in re.split(r",(?![^(]*\))", ",".join(selectors)):
        assert re.search(rf"({own})(?![\w])", selector), selector
