"""What a figure should reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """One bound of one figure."""

    figure: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def words(self) -> str:
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"

    def reached(self, value: float) -> float:
        """How far the value is on its way: 1 and more is there."""
        if self.at_least is not None:
            return value / self.at_least
        return (self.at_most or 0.0) / value if value else 9.99
