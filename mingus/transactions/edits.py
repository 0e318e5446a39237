"""What people decide about their transactions: for one or for many at once, and undone again.

A sync never touches these rows, and an edit never touches the bank's: neither can lose what the other wrote. Two edits
of the same row follow one another; the later one wins, field by field.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from sqlalchemy import insert
from sqlalchemy import select

from mingus.db import unit_of_work
from mingus.db import upsert
from mingus.errors import MingusError
from mingus.errors import NotFound
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.transactions import catalogues
from mingus.transactions import sums
from mingus.transactions import wording
from mingus.transactions.categories import UNCATEGORISED
from mingus.transactions.models import TransactionEdit
from mingus.transactions.models import TransactionEditRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping
    from collections.abc import Sequence

    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.db import Unit
    from mingus.plaid.ledger import TransactionId

Id = TypeVar("Id", bound=str)
BY_HAND = "hand"
MOST_AT_ONCE = 100_000
IDS_AT_ONCE = 900  # below SQLite's oldest limit of parameters
NAME_LENGTH = 200
NOTE_LENGTH = 4_000
MOST_TAGS = 20
TAG_LENGTH = 40
FIELDS = ("name", "category", "notes", "tags", "hidden")
COUNTING = {"category", "hidden"}  # what a row counts as hangs on these


class UnknownCategory(MingusError):
    """There is no such category."""

    status = 422
    code = "unknown_category"


class TooMany(MingusError):
    """These are too many transactions for one edit. Please narrow the list."""

    status = 422
    code = "too_many"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be so. A value of None gives the field back to the bank; fields that are not named stay."""

    values: Mapping[str, Any] = field(default_factory=dict)
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An edit that was made: how many transactions it changed, and its id to undo it; None when it changed none."""

    id: str | None
    count: int


class Edits:
    """The one way in which a person's decisions are written."""

    def __init__(self, ambient: Ambient) -> None:
        self._ambient = ambient

    def change(self, user_id: UserId, ids: Sequence[str], wish: Wish) -> Made:
        """Change these of the person's transactions by hand; raises NotFound when none of them is theirs."""
        self._check(user_id, ids, wish)
        with unit_of_work() as unit:
            edit_id = self._ambient.new_id("edt")
            return self.write(unit, user_id, edit_id, ids, wish, origin=BY_HAND, must_exist=True)

    def write(
        self,
        unit: Unit,
        user_id: UserId,
        edit_id: str,
        ids: Sequence[str],
        wish: Wish,
        *,
        origin: str,
        must_exist: bool = False,
    ) -> Made:
        """The same in the caller's unit; a rule's never overwrites what was decided by hand."""
        owned = [row_id for some in _slices(sorted(ids)) for row_id in _owned(unit, user_id, some)]
        if must_exist and not owned:
            raise NotFound
        edit = TransactionEdit(id=edit_id, user_id=user_id, at=self._ambient.now(), origin=origin, count=0)
        unit.session.add(edit)
        unit.session.flush()  # the edit's rows name it
        counted: list[str] = []  # rows that count otherwise now
        retold = wording.Retold()
        for some in _slices(owned):
            rows = []
            for choice in _locked(unit, user_id, some):
                changed = _apply(choice, wish, origin)
                retold.note(choice, changed)
                if changed:
                    owned_row = {"transaction_id": choice.transaction_id, "user_id": user_id}
                    rows.append({"edit_id": edit_id, **owned_row, "fields": changed})
            if rows:
                unit.session.execute(insert(TransactionEditRow), rows)
            edit.count += len(rows)
            counted += [str(row["transaction_id"]) for row in rows if COUNTING & set(row["fields"])]
        sums.refresh_rows(unit, user_id, counted)
        retold.write(unit, user_id)
        if not edit.count:
            unit.session.delete(edit)
        return Made(id=edit_id if edit.count else None, count=edit.count)

    def undo(self, user_id: UserId, edit_id: str) -> int:
        """Bring back what an edit changed, except where somebody has changed it since; how many rows came back.

        Safe to repeat. Raises NotFound for an edit that is not the person's.
        """
        with unit_of_work() as unit:
            edit = unit.lock(TransactionEdit, edit_id)
            if edit is None or edit.user_id != user_id:
                raise NotFound
            if edit.undone_at is not None:
                return 0
            edit.undone_at = self._ambient.now()
            rows = unit.session.execute(
                select(TransactionEditRow.transaction_id, TransactionEditRow.fields)
                .where(TransactionEditRow.edit_id == edit_id)
                .order_by(TransactionEditRow.transaction_id)
            ).all()
            changed = {row.transaction_id: row.fields for row in rows}
            count, retold = 0, wording.Retold()
            for some in _slices(list(changed)):
                for choice in _locked(unit, user_id, some):
                    count += _restore(choice, changed[choice.transaction_id])
                    retold.note(choice, changed[choice.transaction_id])
            sums.refresh_rows(
                unit, user_id, [row for row, fields in changed.items() if COUNTING & set(fields)]
            )
            retold.write(unit, user_id)
            return count

    def _check(self, user_id: UserId, ids: Sequence[str], wish: Wish) -> None:
        if len(ids) > MOST_AT_ONCE:
            raise TooMany
        category = wish.values.get("category")
        if category and category != UNCATEGORISED and category not in catalogues.of(user_id):
            raise UnknownCategory


def tidy_tags(text: str) -> tuple[str, ...]:
    """Tags as they were typed, by commas; the same one twice counts once."""
    found: dict[str, str] = {}
    for part in text.split(","):
        tag = " ".join(part.split()).lstrip("#").strip()[:TAG_LENGTH]
        if tag:
            found.setdefault(tag.lower(), tag)
    return tuple(found.values())[:MOST_TAGS]


def _owned(unit: Unit, user_id: UserId, ids: Sequence[str]) -> list[TransactionId]:
    mine = select(PlaidTransaction.id).where(
        PlaidTransaction.id.in_(ids), PlaidTransaction.user_id == user_id
    )
    return list(unit.session.scalars(mine.order_by(PlaidTransaction.id)))


def _locked(unit: Unit, user_id: UserId, ids: Sequence[TransactionId]) -> list[TransactionChoice]:
    """The decisions about these, made where there were none, held until the end; always in the same order."""
    blank: dict[str, Any] = {
        "user_id": user_id,
        "tags": [],
        "hidden": False,
        "origins": {},
        "wording": wording.NOTHING,
    }
    empty = [{"transaction_id": row_id, **blank} for row_id in sorted(ids)]
    upsert(unit.session, TransactionChoice, empty, key=["transaction_id"], keep=list(blank))
    rows = (
        select(TransactionChoice)
        .where(TransactionChoice.transaction_id.in_(ids))
        .order_by(TransactionChoice.transaction_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(unit.session.scalars(rows))


def _apply(choice: TransactionChoice, wish: Wish, origin: str) -> dict[str, Any]:
    """Write what is wished and give back what that changed."""
    wanted = dict(wish.values)
    if wish.add_tags or wish.remove_tags:
        wanted["tags"] = _tags(choice.tags, wish)
    changed: dict[str, Any] = {}
    origins = dict(choice.origins)
    for name, value in wanted.items():
        before = getattr(choice, name)
        if value == before and origins.get(name) == origin:
            continue
        if origin != BY_HAND and (value == before or _is_by_hand(choice, name)):
            continue
        changed[name] = [[before, origins.get(name)], [value, origin]]
        setattr(choice, name, value)
        origins[name] = origin
    choice.origins = origins
    return changed


def _is_by_hand(choice: TransactionChoice, name: str) -> bool:
    """Decided by the person: also that the bank's own is right."""
    return choice.origins.get(name) == BY_HAND


def _tags(before: Sequence[str], wish: Wish) -> list[str]:
    gone = {tag.lower() for tag in wish.remove_tags}
    kept = {tag.lower(): tag for tag in before if tag.lower() not in gone}
    for tag in wish.add_tags:
        kept.setdefault(tag.lower(), tag)
    return list(kept.values())[:MOST_TAGS]


def _restore(choice: TransactionChoice, changed: Mapping[str, Any]) -> bool:
    origins, restored = dict(choice.origins), False
    for name, (before, after) in changed.items():
        if [getattr(choice, name), origins.get(name)] != after:
            continue  # decided anew since
        setattr(choice, name, before[0])
        origins.pop(name, None)
        if before[1] is not None:
            origins[name] = before[1]
        restored = True
    choice.origins = origins
    return restored


def _slices(ids: Sequence[Id]) -> Iterator[Sequence[Id]]:
    for start in range(0, len(ids), IDS_AT_ONCE):
        yield ids[start : start + IDS_AT_ONCE]
