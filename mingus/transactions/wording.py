"""What transactions say, each wording once for a person: search looks through these instead of through all rows.

A row carries the key of its wording; without one it has not been taken up yet and is looked at itself. Runs of digits
are one, so that the many references of banks make few wordings; a search with digits looks at the rows it finds again.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from sqlalchemy import Table
from sqlalchemy import bindparam
from sqlalchemy import delete
from sqlalchemy import exists
from sqlalchemy import select
from sqlalchemy import update

from mingus import bulk
from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.transactions.models import Wording
from mingus.transactions.turns import wait_for_turn

if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Iterable

    from mingus.auth.models import UserId
    from mingus.db import Unit

DIGITS = re.compile(r"[0-9]+")
KEY_BYTES = 8
ROWS_AT_ONCE = 2_000
MOST_AT_ONCE = 500  # such batches for each call: the rest has time
COLUMNS = ("user_id", "key", "text")
SAID = frozenset({"name", "notes", "tags"})  # by a decision
TABLE: Table = Wording.__table__  # type: ignore[assignment]  # a mapped class has a table


def shape(text: str) -> str:
    """A text as it is looked for: small letters, any number is as good as another."""
    return DIGITS.sub("0", text.lower())


def key_of(shaped: str) -> int:
    """Short enough for an index; two wordings of one person have the same one once in millions of years."""
    return int.from_bytes(
        hashlib.blake2b(shaped.encode(), digest_size=KEY_BYTES).digest(), "big", signed=True
    )


NOTHING = key_of("")  # said: it is never looked for


class NewWordings:
    """Wordings as they are met, each once."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str | None, ...], int] = {}
        self._found: dict[int, str] = {}

    def key(self, *texts: str | None) -> int:
        """The key of what these say together."""
        key = self._keys.get(texts)
        if key is None:
            shaped = shape("\n".join(filter(None, texts)))
            key = self._keys[texts] = key_of(shaped)
            if shaped:
                self._found[key] = shaped
        return key

    def take(self) -> list[tuple[int, str]]:
        """What was met since the last time, always in the same order."""
        found = sorted(self._found.items())
        self._keys.clear()
        self._found.clear()
        return found


def add(unit: Unit, user_id: UserId, new: NewWordings) -> None:
    """Keep what is not there yet; last of what a unit writes to rows, like their sums."""
    rows = new.take()
    if rows:
        wait_for_turn(unit, user_id)
        bulk.insert_missing(unit.session, TABLE, COLUMNS, [(user_id, *row) for row in rows])


class Retold:
    """Decisions of which one edit changes what they say."""

    def __init__(self) -> None:
        self._new = NewWordings()
        self._before: set[int] = set()

    def note(self, choice: TransactionChoice, changed: Iterable[str]) -> None:
        """Give a decision the key of its words, if that is what changed."""
        if SAID.isdisjoint(changed):
            return
        if choice.wording is not None:
            self._before.add(choice.wording)
        choice.wording = self._new.key(choice.name, choice.notes, *choice.tags)

    def write(self, unit: Unit, user_id: UserId) -> None:
        """Keep what is said now, and nothing that isn't any more."""
        add(unit, user_id, self._new)
        forget_unused(unit, user_id, self._before)


def forget_unused(unit: Unit, user_id: UserId, keys: Collection[int] | None = None) -> None:
    """Delete wordings, or those of `keys`, that no row has any more."""
    if keys is not None and not keys:
        return
    unit.session.flush()  # the rows that have them may be of this unit
    wait_for_turn(unit, user_id)
    used = (
        exists().where(model.user_id == Wording.user_id, model.wording == Wording.key)
        for model in (PlaidTransaction, TransactionChoice)
    )
    statement = delete(Wording).where(Wording.user_id == user_id, *(~one for one in used))
    if keys is not None:
        statement = statement.where(Wording.key.in_(keys))
    unit.session.execute(statement.execution_options(synchronize_session=False))


def take_up_some() -> None:
    """Take up what was written without a key, as much as does not keep a worker; safe beside everything else."""
    for _ in range(MOST_AT_ONCE):
        owner = _somebody_unkeyed()
        if owner is None or not take_up(owner):
            break


def forget_all_unused() -> None:
    """Forget what nothing says any more: a bank may have changed its texts."""
    for owner in db.session.scalars(select(Wording.user_id).distinct()).all():
        with unit_of_work() as unit:
            forget_unused(unit, owner)


def _somebody_unkeyed() -> UserId | None:
    for model in (PlaidTransaction, TransactionChoice):
        owner = db.session.scalar(select(model.user_id).where(model.wording.is_(None)).limit(1))
        if owner is not None:
            return owner
    return None


def take_up(user_id: UserId) -> int:
    """Give some of a person's rows that have no key theirs; how many there were."""
    rows, choices = PlaidTransaction, TransactionChoice
    told = (
        (rows, rows.id, (rows.name, rows.merchant_name)),
        (choices, choices.transaction_id, (choices.name, choices.notes, choices.tags)),
    )
    new, count = NewWordings(), 0
    with unit_of_work() as unit:
        wait_for_turn(unit, user_id)
        for model, row_id, texts in told:
            unkeyed = select(row_id, *texts).where(model.user_id == user_id, model.wording.is_(None))
            found = unit.session.execute(unkeyed.limit(ROWS_AT_ONCE).with_for_update(skip_locked=True)).all()
            keys = [{"row_id": one, "new_key": new.key(*_flat(said))} for one, *said in found]
            if keys:
                statement = update(model.__table__).where(row_id == bindparam("row_id"))  # type: ignore[arg-type]  # a table
                unit.session.connection().execute(statement.values(wording=bindparam("new_key")), keys)
            count += len(keys)
        add(unit, user_id, new)
    return count


def _flat(said: Iterable[str | list[str] | None]) -> list[str | None]:
    """Tags among the texts."""
    return [text for one in said for text in (one if isinstance(one, list) else [one])]
