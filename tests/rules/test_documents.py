"""Documents that say what a test shows name tests that exist."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT

NAMED = re.compile(r"`([a-z]+/test_\w+\.py)` ([a-z0-9 ]+?)(?=<br>| \|)")
DOCS = ROOT / "docs"
LEAST_NAMED = {"reliability.md": 90, "asvs.md": 120}
NEEDS_NONE = re.compile(r"\| does not apply \||^\| (?:what happens|section|what for) \|")
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
