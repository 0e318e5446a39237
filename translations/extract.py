"""Every text of ours that is translated: those marked in code and templates, and those that are data until shown."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

import mingus
from mingus.auth.passwords import WeakPassword
from mingus.errors import MingusError
from mingus.plaid import failures
from mingus.plaid import states
from mingus.transactions import categories
from mingus.transactions import taxonomy
from mingus.web import templating

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
METHODS = [("mingus/**.py", "python"), ("templates/**", "jinja2")]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
LEFT_OUT = ("mingus/simulator/", "templates/styleguide.html")


def catalog() -> Catalog:
    """All messages, in the order of their files."""
    found = Catalog(project="MINGUS", charset="utf-8")
    extracted = extract_from_dir(ROOT, METHODS, keywords=KEYWORDS, directory_filter=_is_ours)
    for path, _, message, _, _ in extracted:
        if not path.startswith(LEFT_OUT):
            found.add(message, flags=_flags(message))
    for text in spoken():
        found.add(text, flags=_flags(text))
    return found


def spoken() -> Iterator[str]:
    """Texts that code keeps as data and has translated where they are shown."""
    for _code, label, _icon, _hue in taxonomy.GROUPS:
        yield label
    for members in taxonomy.DETAILS.values():
        yield from (label for _suffix, label, _icon in members)
    yield categories.NOTHING.label
    yield from (advice.sentence for advice in failures.CATALOGUE.values())
    yield from (failures.OUR_SIDE, failures.BANK_AWAY, failures.NOT_YET, failures.SLOW_DOWN)
    yield from states.RECOMMENDATIONS.values()
    yield from (states.ASLEEP, states.PAUSED, states.STALE, states.FAILING)
    yield from (label for _endpoint, label, _icon in templating.NAVIGATION + templating.FOR_ADMINS)
    for module in pkgutil.walk_packages(mingus.__path__, "mingus."):
        if not module.name.startswith("mingus.simulator"):
            importlib.import_module(module.name)
    for failure in sorted(_below(MingusError) | _below(WeakPassword), key=lambda one: one.__qualname__):
        yield inspect.cleandoc(failure.__doc__ or "")


def _below(base: type[Exception]) -> set[type[Exception]]:
    return {base}.union(*(_below(one) for one in base.__subclasses__()))


def _is_ours(folder: str | Path) -> bool:
    name = Path(folder).name
    return not name.startswith((".", "_")) and name not in {
        "simulator",
        "tests",
        "bench",
        "var",
        "node_modules",
    }


def _flags(message: object) -> tuple[str, ...]:
    text = message[0] if isinstance(message, tuple) else message
    return ("python-format",) if "%(" in str(text) else ()
