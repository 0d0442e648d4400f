"""The widgets' files: complete, harmless as templates, and in agreement with what the server offers."""

import re
from concurrent.futures import Future

import pytest

from demo import page, widgets
from demo.widgets import FOLDER, NAMES

SHARED = FOLDER / "shared.js"
PARTS = {name: sorted((FOLDER / name).glob("*.js")) for name in NAMES}  # the scripts of each widget
SCRIPTS = [SHARED, *(path for paths in PARTS.values() for path in paths)]
FORBIDDEN = {
    "innerHTML": r"\binnerHTML\b",
    "outerHTML": r"\bouterHTML\b",
    "insertAdjacentHTML": r"\binsertAdjacentHTML\b",
    "document.write": r"\bdocument\s*\.\s*write",
    "eval": r"\beval\s*\(",
    "Function": r"\bnew\s+Function\b",
    "timer with code": r"\bset(Timeout|Interval)\s*\(\s*[\"'`]",
    "srcdoc": r"\bsrcdoc\b",
    "contextual fragment": r"\bcreateContextualFragment\b",
    "DOMParser": r"\bDOMParser\b",
    "handler as text": r"setAttribute\s*\(\s*[\"'`]on",
    "javascript address": r"javascript:",
    "other host": r"https?://|[\"'`]//",
    "own request": r"\bfetch\s*\(|\bXMLHttpRequest\b|\bWebSocket\b|\bEventSource\b|\bsendBeacon\b|\bimport\s*\(",
}


@pytest.fixture(scope="module")
def offered(tmp_path_factory):
    """The names of the server functions of each widget on the page."""
    blocks = page.build_page(Future(), tmp_path_factory.mktemp("static")).blocks
    return {
        block.elem_id: {function.__name__ for function in block.server_fns}
        for block in blocks.blocks.values()
        if getattr(block, "elem_id", None) in NAMES
    }


def script(name):
    """All scripts of the widget, as one text."""
    return "\n".join(path.read_text(encoding="utf-8") for path in PARTS[name])


def test_every_widget_has_its_files_and_no_others():
    assert len(NAMES) == len(set(NAMES)) == 15
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(NAMES)
    for name in NAMES:
        files = {path.name for path in (FOLDER / name).iterdir()}
        parts = {file for file in files if re.fullmatch(r"[a-z]+\.js", file)}
        assert f"{name}.js" in parts
        assert files - parts == {f"{name}.html", f"{name}.css"}
        assert {path.name for path in PARTS[name]} == parts
        assert all(path.read_text(encoding="utf-8").strip() for path in (FOLDER / name).iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_template_holds_no_code(name):
    html = (FOLDER / name / f"{name}.html").read_text(encoding="utf-8")
    assert "${" not in html
    assert "{{" not in html
    assert not re.search(r"<script|\son\w+\s*=|javascript:", html, re.IGNORECASE)
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", html)
    assert widgets.widget(name).html_template == html


def test_templates_of_the_page_hold_no_code():
    for html in (page.HEAD, page.GLANCE):
        assert "${" not in html
        assert "{{" not in html


@pytest.mark.parametrize("name", NAMES)
def test_script_mounts_the_widget(name):
    widget = widgets.widget(name)
    pattern = r"fmnist\.ready\.then\(\(\) => fmnist\.(mount\w+)\(element, server\)\)"
    mount = re.fullmatch(pattern, widget.js_on_load)[1]
    assert re.findall(r"fmnist\.(mount\w+) = ", script(name)) == [mount]


@pytest.mark.parametrize("name", NAMES)
def test_scripts_only_define_one_function_each_named_as_the_file(name):
    """So the order in which they are loaded does not matter, and no two widgets or files share a variable."""
    made = set()
    for path in PARTS[name]:
        first, last = re.findall(r"^(?!//)\S.*$", path.read_text(encoding="utf-8"), re.MULTILINE)
        part = "" if path.stem == name else path.stem.capitalize()
        pattern = rf"fmnist\.({'make|hear' if part else 'mount'}){name.capitalize()}{part} = \(.*\) => \{{"
        assert re.fullmatch(pattern, first)
        assert last == "};"
        made |= set(re.findall(r"fmnist\.((?:make|hear)\w+) = ", first))
    # The file that mounts the widget puts the others together.
    text = (FOLDER / name / f"{name}.js").read_text(encoding="utf-8")
    assert set(re.findall(r"fmnist\.((?:make|hear)\w+)\(", text)) == made
    assert len(re.findall(r"fmnist\.(?:make|hear)\w+\(", script(name))) == len(made)


@pytest.mark.parametrize("name", NAMES)
def test_every_server_function_called_is_given_and_every_given_one_is_called(name, offered):
    called = set(re.findall(r"\bserver\.(\w+)", script(name)))
    assert called == offered[name]
    assert "server[" not in script(name)
    # Each call goes through fmnist.call, which adds the visitor and turns silence into a sentence.
    assert len(re.findall(r"\bserver\.\w+", script(name))) == len(
        re.findall(r"fmnist\.call\(server\.\w+", script(name))
    )


def test_shared_script_calls_no_server_function():
    assert not re.search(r"\bserver\.\w", SHARED.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
@pytest.mark.parametrize("what", FORBIDDEN)
def test_script_never_turns_text_into_code_or_goes_elsewhere(path, what):
    assert not re.search(FORBIDDEN[what], path.read_text(encoding="utf-8"))


def test_forbidden_patterns_find_what_they_forbid():
    bad = """a.innerHTML = b; a.outerHTML = b; a.insertAdjacentHTML("x", b); document.write(b); eval (b);
        new Function(b); setTimeout("b", 1); a.srcdoc = b; r.createContextualFragment(b); new DOMParser();
        a.setAttribute("onclick", b); "javascript:b"; "https://b"; fetch(b);"""
    assert [what for what, pattern in FORBIDDEN.items() if not re.search(pattern, bad)] == []


def test_scripts_do_not_end_their_element():
    text = widgets.scripts()
    assert not re.search(r"</script|<!--", text, re.IGNORECASE)
    for path in SCRIPTS:
        assert text.count(path.read_text(encoding="utf-8")) == 1
    assert text.startswith(SHARED.read_text(encoding="utf-8"))


def test_widgets_hear_only_what_is_emitted():
    texts = [*(path.read_text(encoding="utf-8") for path in SCRIPTS), page.HEAD_SCRIPT]
    heard = {event for text in texts for event in re.findall(r"fmnist\.on\(\"(\w+)\"", text)}
    emitted = {event for text in texts for event in re.findall(r"\bemit\(\"(\w+)\"", text)}
    told = set(re.findall(r"^//   (\w+) +\w", texts[0], re.MULTILINE))  # the list at the top of the shared script
    assert heard == emitted == told


@pytest.mark.parametrize("name", NAMES)
def test_script_looks_only_for_what_the_template_has(name):
    """Classes and data attributes that a script looks for in its own template, or makes itself."""
    text = script(name)
    html = (FOLDER / name / f"{name}.html").read_text(encoding="utf-8")
    for selector in re.findall(r"(?:find|element\.querySelector(?:All)?)\(\"([^\"]+)\"\)", text):
        for kind in re.findall(r"\.([\w-]+)", selector):
            assert re.search(rf"class=\"[^\"]*\b{kind}\b", html), selector
        for attribute in re.findall(r"\[([\w-]+)(?:=\w+)?\]", selector):
            assert attribute in html, selector


def test_styles_load_nothing():
    css = widgets.styles()
    assert "@import" not in css
    assert "url(" not in css
    assert "</style" not in css
    assert (FOLDER.parent / "page.css").read_text(encoding="utf-8") in css
    for name in NAMES:
        assert (FOLDER / name / f"{name}.css").read_text(encoding="utf-8") in css
