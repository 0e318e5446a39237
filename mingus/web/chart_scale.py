"""Numbers to places on a chart: round ticks, a scale in percent, thinning of long series. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

INDISTINCT = 1e-9  # nearer to each other, or to zero, there is nothing to tell apart
ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where a value stands between the lowest and the highest tick."""

    ticks: tuple[float, ...]

    @property
    def low(self) -> float:
        return self.ticks[0]

    @property
    def high(self) -> float:
        return self.ticks[-1]

    def from_top(self, value: float) -> float:
        """Distance from the upper edge, in percent of the height."""
        return round(100 * (self.high - value) / (self.high - self.low), 2)


def scale(values: Sequence[float], *, from_zero: bool, steps: int = 4) -> Scale:
    """A scale with round ticks around all `values`; no values or equal ones still give a height."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    largest = max(abs(low), abs(high))
    if largest < INDISTINCT:
        low, high = 0.0, 1.0
    elif high - low <= INDISTINCT * largest:
        low, high = min(low, 0.0), max(high, 0.0)
    step = _round_step((high - low) / steps)
    first, last = math.floor(low / step), math.ceil(high / step)
    return Scale(ticks=tuple(count * step for count in range(first, last + 1)))


def _round_step(least: float) -> float:
    size: float = 10.0 ** math.floor(math.log10(least))
    return size * next(step for step in ROUND_STEPS if step * size >= least * 0.999)


def thin(values: Sequence[float], most: int) -> list[int]:
    """Indexes of at most about `most` values, with both ends and the lowest and highest of every stretch."""
    if len(values) <= most:
        return list(range(len(values)))
    stretches = max(1, (most - 2) // 2)
    kept = {0, len(values) - 1}
    for number in range(stretches):
        stretch = range(number * len(values) // stretches, (number + 1) * len(values) // stretches)
        kept.add(min(stretch, key=values.__getitem__))
        kept.add(max(stretch, key=values.__getitem__))
    return sorted(kept)


def from_end_to_end(count: int, most: int) -> list[int]:
    """Which of `count` labels to print: at most `most`, evenly, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(number * (count - 1) / (most - 1)) for number in range(most)]


def back_from_last(count: int, most: int) -> list[int]:
    """Which of `count` labels to print: at most `most`, at equal steps back from the last."""
    step = max(1, -(-count // most))
    return list(range(count - 1, -1, -step))[::-1]
