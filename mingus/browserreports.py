"""What browsers refused to do on our pages: counted by day, bounded, without anything of a person."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Date
from sqlalchemy import Integer
from sqlalchemy import String
from sqlalchemy import delete
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.db import Base
from mingus.db import db
from mingus.db import unit_of_work
from mingus.limits import Limit

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.limits import Limiter

WORD_LENGTH = 80
MOST_A_DAY = 200  # different ones; what comes more is a broken extension or somebody playing
LIMIT = Limit(count=30, seconds=300)
KEPT = dt.timedelta(days=30)


class BrowserReport(Base):
    """One kind of refusal on one kind of page, and how often it came that day."""

    __tablename__ = "browser_reports"
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    directive: Mapped[str] = mapped_column(String(WORD_LENGTH), primary_key=True)
    blocked: Mapped[str] = mapped_column(String(WORD_LENGTH), primary_key=True)  # an origin or a keyword
    page: Mapped[str] = mapped_column(String(WORD_LENGTH), primary_key=True)  # the rule, never the address
    times: Mapped[int] = mapped_column(Integer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a browser told, cut to what may be kept."""

    directive: str
    blocked: str
    page: str


class BrowserReports:
    """Counts and forgets."""

    def __init__(self, *, ambient: Ambient, limiter: Limiter) -> None:
        self._ambient = ambient
        self._limiter = limiter

    def note(self, refusals: list[Refusal], *, network: str) -> None:
        """Count them; raises TooManyTries. Beyond the day's bound only kinds that are known count on."""
        self._limiter.spend("browser-report", network, LIMIT)
        today = self._ambient.today("UTC")
        with unit_of_work() as unit:
            kinds = unit.session.scalar(select(func.count()).where(BrowserReport.day == today)) or 0
            if kinds + len(refusals) > MOST_A_DAY:
                return
            dialect = postgresql if unit.session.get_bind().dialect.name == "postgresql" else sqlite
            for one in refusals:
                row = dialect.insert(BrowserReport).values(
                    day=today, directive=one.directive, blocked=one.blocked, page=one.page, times=1
                )
                key = ["day", "directive", "blocked", "page"]
                more = {"times": BrowserReport.times + 1}
                unit.session.execute(row.on_conflict_do_update(index_elements=key, set_=more))

    def recent(self) -> list[BrowserReport]:
        """What is kept, the newest day and the most frequent first."""
        newest = (BrowserReport.day.desc(), BrowserReport.times.desc())
        return list(db.session.scalars(select(BrowserReport).order_by(*newest).limit(MOST_A_DAY)))

    def forget_old(self) -> None:
        before = (self._ambient.now() - KEPT).date()
        with unit_of_work() as unit:
            unit.session.execute(delete(BrowserReport).where(BrowserReport.day < before))
