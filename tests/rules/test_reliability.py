"""The document of what can go wrong names tests that exist."""

from __future__ import annotations

import re

from tests.conftest import ROOT

NAMED = re.compile(r"`([a-z]+/test_\w+\.py)` ([a-z0-9 ]+?)(?=<br>| \|)")
DOCUMENT = ROOT / "docs" / "reliability.md"
LEAST_NAMED = 90


def test_every_test_that_is_named_exists() -> None:
    named = NAMED.findall(DOCUMENT.read_text())
    missing = [
        f"{file}: {words}"
        for file, words in named
        if f"def test_{words.replace(' ', '_')}(" not in (ROOT / "tests" / file).read_text()
    ]
    assert missing == []
    assert len(named) >= LEAST_NAMED


def test_every_line_names_a_test() -> None:
    lines = DOCUMENT.read_text().partition("## Figures")[0].splitlines()
    rows = [line for line in lines if line.startswith("| ") and "what happens" not in line]
    assert [line for line in rows if not NAMED.search(line)] == []
