"""Scenarios: stories in files that happen to items, step by step.

A step happens a while after the item was made (`after`), when a client calls (`on` an endpoint,
the `nth` time, only with `more` pages to come if so said), or both. What it does is an action of `actions.py`.
"""

from __future__ import annotations

import hashlib
import logging
import re
import tomllib
from dataclasses import dataclass
from dataclasses import replace
from datetime import timedelta
from functools import cache
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator import actions
from mingus.simulator.config import ConfigRefused
from mingus.simulator.errors import PlaidError

if TYPE_CHECKING:
    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

log = logging.getLogger("mingus.simulator")

FOLDER = Path(__file__).parent / "scenarios"
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
KEYS = {"do", "after", "on", "nth", "more", "with"}


class ScenarioRefused(ConfigRefused):
    """There is no such scenario, or its file is not one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing of a story: `action` with `arguments`, after a delay or on a call."""

    action: str
    arguments: dict[str, Any]
    after: timedelta | None
    on: str | None
    nth: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A story: what it shows, which login to link, and its steps."""

    name: str
    title: str
    about: str
    username: str
    password: str
    steps: tuple[Step, ...]


class Scenes:
    """The story in force, told to every item that is made meanwhile; what was told survives a restart."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._scenario: Scenario | None = None

    @property
    def name(self) -> str | None:
        """The name of the story in force."""
        return self._scenario.name if self._scenario else None

    def resume(self) -> None:
        """Take up the story of a former run, and the steps that are still to come."""
        current = self._sim.store.get("scene", "current")
        if current:
            self._scenario = self.story(current["name"])
        for key, doc in self._sim.store.all("scene"):
            item = self._sim.items.find(key)
            if item and not item.removed:
                self._plan(item, self.story(doc["name"]), set(doc["done"]))

    def story(self, name: str) -> Scenario:
        """The story of that name: one that was taken, else one of the files here."""
        taken = self._sim.store.get("story", name)
        return parsed(name, taken["text"]) if taken else scenario(name)

    def take(self, text: str) -> Scenario:
        """Keep a story from elsewhere, by a name of its own; ScenarioRefused when the text is none."""
        name = f"taken-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        found = parsed(name, text)
        self._sim.store.put("story", name, {"text": text})
        return found

    def load(self, name: str) -> Scenario:
        """Tell the story to every item made from now on; ScenarioRefused when there is none of that name."""
        self._scenario = self.story(name)
        self._sim.store.put("scene", "current", {"name": name})
        return self._scenario

    def load_from(self, source: str) -> Scenario:
        """As `load`, by a name or the path of a file that ends in .toml."""
        if not source.endswith(".toml"):
            return self.load(source)
        try:
            text = Path(source).read_text(encoding="utf-8")
        except OSError as error:
            message = f"the scenario {source} can not be read: {error.strerror}"
            raise ScenarioRefused(message) from error
        return self.load(self.take(text).name)

    def item_made(self, item: Item) -> None:
        """A new item enters the story in force."""
        if self._scenario:
            self.tell(item, self._scenario)

    def tell(self, item: Item, story: Scenario) -> None:
        """Let the story happen to this item from now on."""
        self._sim.store.put("scene", item.item_id, {"name": story.name, "done": [], "calls": {}})
        self._plan(item, story, set())

    def called(self, endpoint: str, item_id: str | None, result: dict[str, Any]) -> None:
        """A call was answered: do what the story has for it."""
        doc = self._sim.store.get("scene", item_id) if item_id else None
        item = self._sim.items.find(item_id or "")
        if doc is None or item is None or item.removed:
            return
        doc["calls"][endpoint] = doc["calls"].get(endpoint, 0) + 1
        self._sim.store.put("scene", item.item_id, doc)
        for number, step in enumerate(self.story(doc["name"]).steps):
            if step.on == endpoint and number not in doc["done"] and _reached(step, doc["calls"], result):
                self._due(item, number, _aimed(step, result))

    def clear(self) -> None:
        """End the story; what was told to items ends with it."""
        self._scenario = None
        self._sim.store.clear("scene")

    def _plan(self, item: Item, story: Scenario, done: set[int]) -> None:
        for number, step in enumerate(story.steps):
            if step.on is None and number not in done:
                when = item.created_at + (step.after or timedelta())
                self._sim.scheduler.at(when, partial(self._perform, item.item_id, number, step))

    def _due(self, item: Item, number: int, step: Step) -> None:
        if step.after is None:
            self._perform(item.item_id, number, step)
        else:
            when = self._sim.clock.now() + step.after
            self._mark(item.item_id, number)
            self._sim.scheduler.at(when, partial(self._perform, item.item_id, number, step))

    def _perform(self, item_id: str, number: int, step: Step) -> None:
        item = self._sim.items.find(item_id)
        if item is None or item.removed or self._sim.store.get("scene", item_id) is None:
            return
        self._mark(item_id, number)
        try:
            actions.perform(self._sim, item, step.action, dict(step.arguments))
        except PlaidError as error:
            log.warning(
                "a scenario step was refused", extra={"action": step.action, "code": error.error_code}
            )

    def _mark(self, item_id: str, number: int) -> None:
        doc = self._sim.store.get("scene", item_id)
        if doc and number not in doc["done"]:
            self._sim.store.put("scene", item_id, {**doc, "done": [*doc["done"], number]})


def names() -> list[str]:
    """Every scenario there is."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def scenario(name: str) -> Scenario:
    """The scenario of that name; ScenarioRefused when there is none or its file is wrong."""
    if name not in names():
        message = f"there is no scenario {name!r}; there are: {', '.join(names())}"
        raise ScenarioRefused(message)
    return parsed(name, (FOLDER / f"{name}.toml").read_text())


@cache
def parsed(name: str, text: str) -> Scenario:
    """The story that a text tells; ScenarioRefused when it tells none."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"scenario {name!r} is no TOML: {error}"
        raise ScenarioRefused(message) from error
    if not isinstance(data.get("title"), str):
        message = f"scenario {name!r} has no title"
        raise ScenarioRefused(message)
    return Scenario(
        name=name,
        title=data["title"],
        about=data.get("about", ""),
        username=data.get("username", "user_household"),
        password=data.get("password", "pass_good"),
        steps=tuple(_step(name, row) for row in data.get("step", [])),
    )


def _step(name: str, row: dict[str, Any]) -> Step:
    unknown = set(row) - KEYS
    if unknown or row.get("do") not in actions.ACTIONS:
        message = f"scenario {name!r} has a step that cannot be: {row}"
        raise ScenarioRefused(message)
    return Step(
        action=row["do"],
        arguments=row.get("with", {}),
        after=_delay(row["after"]) if "after" in row else None,
        on=row.get("on"),
        nth=row.get("nth", 1),
        more=row.get("more", False),
    )


def _reached(step: Step, calls: dict[str, int], result: dict[str, Any]) -> bool:
    """Whether this is the call; a call that should leave more pages waits for one that does."""
    if step.more and not result.get("has_more"):
        return False
    return calls[step.on or ""] >= step.nth


def _aimed(step: Step, result: dict[str, Any]) -> Step:
    """The step with "delivered" replaced by a transaction of the page that was just given."""
    if step.arguments.get("transaction_id") != "delivered":
        return step
    rows = [row for row in result.get("added", []) if not row["pending"]]
    aim = {"transaction_id": rows[-1]["transaction_id"]} if rows else {}
    rest = {key: value for key, value in step.arguments.items() if key != "transaction_id"}
    return replace(step, arguments={**rest, **aim})


def _delay(text: str) -> timedelta:
    match = re.fullmatch(r"([\d.]+) (second|minute|hour|day)s?", text)
    if match is None:
        message = f"{text!r} is not a delay such as '3 days'"
        raise ScenarioRefused(message)
    return timedelta(seconds=float(match[1]) * UNITS[match[2]])
