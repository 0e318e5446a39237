"""Templates, sheets and scripts hold together: nothing inline, nothing missing, nothing left over."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jinja2 import nodes

from mingus.web import appicon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"
PAGES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))
LETTERS = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.txt"))
MACROS = [name for name in PAGES if name.startswith("macros/")]
FRAMES = {"base.html", "base_plain.html"}
WHOLE = [name for name in PAGES if name not in FRAMES and name not in MACROS and "/_" not in f"/{name}"]
DRAWN = {icon.path for icon in appicon.ICONS}  # made when the files are delivered
SHEETS = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.css"))
SCRIPTS = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js"))

INLINE = re.compile(
    r"<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe\b|<script(?![^>]*\b(?:src=|type=\"application/json\"))"
)
RAW_COLOUR = re.compile(r"#[0-9a-f]{3,8}\b(?![^\n]*\"\))|\b(?:rgb|hsl|oklch|light-dark)\(")
EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
STATEMENT = re.compile(r"\{%.*?%\}", re.DOTALL)
CLASS_ATTRIBUTE = re.compile(r'\bclass="((?:\{\{.*?\}\}|\{%.*?%\}|[^"{])*)"', re.DOTALL)
CONDITION = re.compile(r"\bif\b.*?(?=\belse\b|\}\}|$)", re.DOTALL)
LITERAL = re.compile(r"""'([^']*)'|"([^"]*)\"""")
WORD = re.compile(r"[\w-]+")


def read(folder: Path, name: str) -> str:
    """A file without its comments."""
    text = (folder / name).read_text(encoding="utf-8")
    return re.sub(r"\{#.*?#\}|/\*.*?\*/", "", text, flags=re.DOTALL)


@cache
def styled() -> frozenset[str]:
    """Every class that has a rule in a sheet."""
    found: set[str] = set()
    for name in SHEETS:
        selectors = re.sub(r"@import[^;]*;|url\([^)]*\)", "", read(STATIC, name))
        while (shorter := re.sub(r"\{[^{}]*\}", ";", selectors)) != selectors:
            found.update(re.findall(r"\.(-?[a-z][\w-]*)", " ".join(re.findall(r"[^;{}]*(?=\{)", selectors))))
            selectors = shorter
    return frozenset(found)


def classes(name: str) -> Iterator[tuple[str, bool]]:
    """Each class that a template writes, and whether it is only the beginning of one."""
    for attribute in CLASS_ATTRIBUTE.findall(read(TEMPLATES, name)):
        text = STATEMENT.sub(" ", attribute)
        for prefix in re.findall(r"([\w-]+--)\{\{", text):
            yield prefix, True
        rest = re.sub(r"[\w-]+--\{\{.*?\}\}", " ", text, flags=re.DOTALL)
        literals = [
            one or other
            for bit in EXPRESSION.findall(rest)
            for one, other in LITERAL.findall(CONDITION.sub("", bit))
        ]
        for word in " ".join([EXPRESSION.sub(" ", rest), *literals]).split():
            yield word, word.endswith("--")


@cache
def words_of_the_code() -> frozenset[str]:
    """Every word in templates, scripts and the modules that draw for pages."""
    texts = [read(TEMPLATES, name) for name in PAGES] + [read(STATIC, name) for name in SCRIPTS]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "mingus" / "web").glob("*.py")]
    return frozenset(WORD.findall(" ".join(texts)))


@pytest.fixture(scope="session")
def database() -> str:
    """Templates don't care which database there is."""
    return "sqlite"


@pytest.mark.parametrize("name", [*PAGES, *LETTERS])
def test_every_template_compiles(shared_app: Flask, name: str) -> None:
    assert shared_app.jinja_env.get_template(name).name == name


@pytest.mark.parametrize("name", WHOLE)
def test_every_page_says_its_title(shared_app: Flask, name: str) -> None:
    current: str | None = name
    while current is not None and current not in FRAMES:
        tree = shared_app.jinja_env.parse((TEMPLATES / current).read_text(encoding="utf-8"))
        if any(block.name == "title" for block in tree.find_all(nodes.Block)):
            return
        parent = tree.find(nodes.Extends)
        current = parent.template.value if parent and isinstance(parent.template, nodes.Const) else None
    pytest.fail(f"{name} fills no title block")


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_inline(name: str) -> None:
    assert INLINE.findall(read(TEMPLATES, name)) == []


@pytest.mark.parametrize("name", [name for name in PAGES if name != "styleguide.html"])
def test_every_visible_text_can_be_translated(name: str) -> None:
    text = re.sub(r"<[^<>]*>", " ", STATEMENT.sub("", EXPRESSION.sub("", read(TEMPLATES, name))))
    assert re.findall(r"[^\W\d_]{2,}", text) == []
    assert re.findall(r'\b(?:aria-label|alt|placeholder|title)="[^"{]*[a-z]', read(TEMPLATES, name)) == []


@pytest.mark.parametrize("name", PAGES)
def test_every_class_of_a_template_is_styled(name: str) -> None:
    for word, is_prefix in classes(name):
        if is_prefix:
            assert any(known.startswith(word) for known in styled()), f"{name}: no class begins with {word}"
        else:
            assert word in styled(), f"{name}: .{word} has no rule in any sheet"


def test_every_styled_class_is_used() -> None:
    words = words_of_the_code()
    prefixes = tuple(word for word in words if word.endswith("--"))
    assert {name for name in styled() - words if not name.startswith(prefixes)} == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_static_file_that_a_page_names_exists(name: str) -> None:
    for path in re.findall(r"static_url\(['\"]([^'\"]+)['\"]\)", read(TEMPLATES, name)):
        assert path in DRAWN or (STATIC / path).is_file(), path


def test_every_macro_is_used_and_the_style_guide_shows_it() -> None:
    shown = read(TEMPLATES, "styleguide.html") + "".join(read(TEMPLATES, name) for name in FRAMES)
    for name in MACROS:
        for macro in re.findall(r"\{% macro ([a-z]\w*)", read(TEMPLATES, name)):
            inside = re.sub(r"\{% macro \w+", "", read(TEMPLATES, name))
            assert re.search(rf"\b{macro}\(", shown + inside), f"{name}: {macro} is nowhere shown"


def test_the_entry_sheet_orders_and_imports_and_nothing_else() -> None:
    lines = [line for line in read(STATIC, "css/app.css").splitlines() if line.strip()]
    imported = [
        match[1] for line in lines if (match := re.fullmatch(r'@import url\("\./(.+)"\) layer\(\w+\);', line))
    ]
    assert lines[0].startswith("@layer ")
    assert len(imported) == len(lines) - 1
    assert sorted(imported) == [
        name.removeprefix("css/")
        for name in SHEETS
        if name not in {"css/app.css", "css/plaid-integration.css"}
    ]


@pytest.mark.parametrize("name", [name for name in SHEETS if name not in {"css/tokens.css", "css/hues.css"}])
def test_colours_come_from_tokens(name: str) -> None:
    assert RAW_COLOUR.findall(read(STATIC, name)) == []


def test_every_token_is_used_and_every_used_one_exists() -> None:
    text = " ".join(read(STATIC, name) for name in SHEETS)
    given = set(re.findall(r"(?<![\w-])(--[a-z][\w-]*):", text))
    used = set(re.findall(r"var\((--[a-z][\w-]*)", text))
    assert used - given == set()
    assert given - used == set()


def test_every_module_that_an_element_asks_for_exists_and_the_other_way_round() -> None:
    asked = set()
    for name in PAGES:
        asked.update(re.findall(r'data-module(?:="|": ")([a-z-]+)"', read(TEMPLATES, name)))
    registered = dict(
        re.findall(r'"?([a-z-]+)"?: \(\) => import\("\./([a-z-]+\.js)"\)', read(STATIC, "js/modules.js"))
    )
    assert asked <= set(registered)
    assert all((STATIC / "js" / file).is_file() for file in registered.values())
    imported = set(
        re.findall(r'(?:from |import\()"\./([a-z-]+\.js)"', "".join(read(STATIC, name) for name in SCRIPTS))
    )
    assert {name.removeprefix("js/") for name in SCRIPTS} == {*registered.values(), *imported, "main.js"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_text_becomes_elements_in_one_place_only(name: str) -> None:
    text = read(STATIC, name)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
    )
    assert ("parseFromString" in text) == (name == "js/fragment.js")


def test_djlint_finds_nothing() -> None:
    command = [
        str(Path(sys.executable).parent / "djlint"),
        "templates",
        "--lint",
        "--profile=jinja",
        "--quiet",
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
