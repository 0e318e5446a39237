"""Documents that say what a test shows name tests that exist; figures of the README are those that were measured."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.conftest import ROOT

NAMED = re.compile(r"`([a-z]+/test_\w+\.py)` ([a-z0-9 ]+?)(?=<br>| \|)")
DOCS = ROOT / "docs"
LEAST_NAMED = {"reliability.md": 90, "asvs.md": 120}
NEEDS_NONE = re.compile(r"\| does not apply \||^\| (?:what happens|section|what for) \|")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
MENTIONED = re.compile(r"`((?:[a-z]+/)?test_\w+)`")


@pytest.mark.parametrize("name", LEAST_NAMED)
def test_every_test_that_is_named_exists(name: str) -> None:
    named = NAMED.findall((DOCS / name).read_text())
    missing = [
        f"{file}: {words}"
        for file, words in named
        if f"def test_{words.replace(' ', '_')}(" not in (ROOT / "tests" / file).read_text()
    ]
    assert missing == []
    assert len(named) >= LEAST_NAMED[name]


@pytest.mark.parametrize(("name", "end"), [("reliability.md", "## Figures"), ("asvs.md", "## Inventory")])
def test_every_line_names_a_test(name: str, end: str) -> None:
    lines = (DOCS / name).read_text().partition(end)[0].splitlines()
    rows = [line for line in lines if line.startswith("| ") and not NEEDS_NONE.search(line)]
    assert len(rows) > 40
    assert [line for line in rows if not NAMED.search(line)] == []


def test_every_test_that_the_threats_mention_exists() -> None:
    """A file with its folder or without, or a test by its name."""
    tests = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    mentioned = MENTIONED.findall((DOCS / "security.md").read_text())
    missing = [
        name
        for name in mentioned
        if not any(
            str(path).endswith(f"/{name}.py") or f"def {name}(" in text for path, text in tests.items()
        )
    ]
    assert missing == []
    assert len(mentioned) > 40


def test_figures_of_the_readme_are_the_committed_ones() -> None:
    parts = json.loads((ROOT / "bench" / "results" / "latest.json").read_text())["parts"]
    rows = [
        line.partition("<!--") for line in (ROOT / "README.md").read_text().splitlines() if "<!--" in line
    ]
    untrue = [
        name
        for words, _, names in rows
        for name in names.partition("-->")[0].split()
        if not any(_says(number, parts, *name.split(".")) for number in NUMBER.findall(words))
    ]
    assert untrue == []
    assert len(rows) >= 6


def _says(number: str, parts: dict[str, Any], part: str, figure: str) -> bool:
    """The figure, or its hundredfold where it is a share, to as many digits as the number has."""
    said, value = float(number.replace(",", "")), parts[part]["figures"][figure]
    digits = len(number.partition(".")[2])
    return said in {round(value, digits), round(value * 100, digits)}
