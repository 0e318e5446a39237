"""Results told to people: a table of figures against goals and against the last committed ones, and a plot of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from xml.sax.saxutils import escape

from bench.parts import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator

BAR, ROW, LEFT, WIDTH = 14, 24, 360, 860
FULL = 300.0  # where a goal is reached, in pixels from LEFT
MOST = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure."""

    part: str
    figure: str
    value: Any
    before: Any
    goal: str = ""
    reached: float | None = None


def lines(results: dict[str, Any], committed: dict[str, Any]) -> Iterator[Line]:
    """Every figure of the results, with its goal and its last committed value where there are such."""
    for part, found in results["parts"].items():
        goals = {goal.figure: goal for goal in PARTS[part].goals} if part in PARTS else {}
        before = committed.get("parts", {}).get(part, {}).get("figures", {})
        for figure, value in found["figures"].items():
            goal = goals.get(figure)
            known = goal is not None and isinstance(value, int | float)
            yield Line(
                part=part,
                figure=figure,
                value=value,
                before=before.get(figure),
                goal=goal.words if goal else "",
                reached=goal.reached(value) if goal is not None and known else None,
            )


def table(results: dict[str, Any], committed: dict[str, Any]) -> str:
    """The figures as text."""
    rows = [f"{'part':<10} {'figure':<44} {'value':>12} {'goal':>10} {'':>7} {'committed':>12}"]
    for line in lines(results, committed):
        word = "" if line.reached is None else ("reached" if line.reached >= 1 else f"{line.reached:.0%}")
        before = "" if line.before is None else str(line.before)
        rows.append(
            f"{line.part:<10} {line.figure:<44} {line.value!s:>12} {line.goal:>10} {word:>7} {before:>12}"
        )
    return "\n".join(rows)


def plot(results: dict[str, Any]) -> str:
    """Bars of every figure that has a goal: how far it is on its way, the line being the goal."""
    found = [line for line in lines(results, {}) if line.reached is not None]
    height = ROW * (len(found) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
        ' font-size="12"><title>Figures against their goals</title>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for number, line in enumerate(found):
        top = ROW * number + 10
        width = FULL * min(line.reached or 0.0, MOST)
        colour = "#2f6f4f" if (line.reached or 0.0) >= 1 else "#b3541e"
        label = escape(f"{line.part}: {line.figure.replace('_', ' ')}")
        parts.append(
            f'<text x="{LEFT - 8}" y="{top + 11}" text-anchor="end">{label}</text>'
            f'<rect x="{LEFT}" y="{top}" width="{width:.0f}" height="{BAR}" fill="{colour}"/>'
            f'<text x="{LEFT + width + 6:.0f}" y="{top + 11}">{escape(str(line.value))} ({escape(line.goal)})</text>'
        )
    parts.append(f'<line x1="{LEFT + FULL}" x2="{LEFT + FULL}" y1="0" y2="{height}" stroke="#222"/></svg>')
    return "\n".join(parts) + "\n"
