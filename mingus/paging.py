"""Lists by key, newest first: some rows, and the key that older ones come after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import Generic
from typing import TypeVar

from sqlalchemy import and_
from sqlalchemy import or_

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.sql.elements import SQLColumnExpression

Row = TypeVar("Row")
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row, Key]):
    """Some rows; without a key there is nothing older."""

    rows: tuple[Row, ...] = ()
    next: Key | None = None


def cut(found: Sequence[Row], limit: int, key: Callable[[Row], Key]) -> Page[Row, Key]:
    """The first of what was found, of which there is one too many if there is more."""
    shown = found[:limit]
    return Page(rows=tuple(shown), next=key(shown[-1]) if len(found) > limit else None)


def older(
    at: SQLColumnExpression[Any], row_id: SQLColumnExpression[Any], last_at: dt.datetime, last_id: str
) -> tuple[ColumnElement[bool], ...]:
    """What comes after a row in a list by instant and id; the first condition is the one that an index leads with."""
    return at <= last_at, or_(at < last_at, and_(at == last_at, row_id < last_id))
