"""`.env.example` and Settings can't drift apart."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = re.compile(r"^#? ?([A-Z][A-Z0-9_]+)=", re.MULTILINE)
READ = re.compile(
    r"""(?:read|self)\.(?:text|secret|choice|flag|integer|words|url|session_keys|encryption_keys)\(\s*"([A-Z0-9_]+)\""""
)


def test_every_variable_that_is_read_is_explained_and_the_reverse() -> None:
    explained = NAME.findall((ROOT / ".env.example").read_text(encoding="utf-8"))
    read = set(READ.findall((ROOT / "mingus" / "config.py").read_text(encoding="utf-8"))) | {
        "MINGUS_AWS_SECRET_ID"
    }
    assert sorted(explained) == sorted(read)
    assert len(explained) == len(set(explained))


def test_the_production_template_names_only_what_is_read() -> None:
    explained = set(NAME.findall((ROOT / ".env.example").read_text(encoding="utf-8")))
    template = NAME.findall((ROOT / ".env.production.example").read_text(encoding="utf-8"))
    assert {name.removesuffix("_FILE") for name in template} <= explained
