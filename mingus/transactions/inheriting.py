"""A bank connected anew tells its transactions anew, under other ids: what was decided about the old rows follows.

Only where there is no doubt: an account known to be the same real one, the same day, amount, currency and bank text,
one such row on either side, both posted, and nothing decided by hand about the new one. What follows is an edit like
any other: it stands in the transaction's decisions and can be undone, and what was undone does not come back.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.models import AccountId
from mingus.plaid.models import PlaidAccount
from mingus.transactions.edits import BY_HAND
from mingus.transactions.edits import FIELDS
from mingus.transactions.edits import Edits
from mingus.transactions.edits import Wish
from mingus.transactions.models import TransactionEdit
from mingus.transactions.models import TransactionEditRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.plaid.models import ConnectionId

SAME = ("date", "amount_minor", "currency", "name")
DATES_AT_ONCE = 500


class Inheriting:
    """Hands decisions on."""

    def __init__(self, *, ambient: Ambient, edits: Edits) -> None:
        self._ambient = ambient
        self._edits = edits

    def hand_on(self, user_id: UserId, connection_id: ConnectionId) -> int:
        """Give the connection's rows what was decided about their predecessors; how many got something."""
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for row_id, choice in _heirs(user_id, connection_id):
            decided = {name: getattr(choice, name) for name in FIELDS if choice.origins.get(name) == BY_HAND}
            if decided:
                groups[json.dumps(decided, sort_keys=True)].append(row_id)
        count = 0
        for decided_text, ids in sorted(groups.items()):
            with unit_of_work() as unit:
                edit_id, wish = self._ambient.new_id("edt"), _wish(json.loads(decided_text))
                count += self._edits.write(unit, user_id, edit_id, ids, wish, origin=BY_HAND).count
        return count


def _wish(decided: dict[str, Any]) -> Wish:
    """As the person would have wished it."""
    tags = tuple(decided.pop("tags", ()))
    return Wish(values=decided, add_tags=tags)


Key = tuple[object, ...]


def _heirs(user_id: UserId, connection_id: ConnectionId) -> list[tuple[str, TransactionChoice]]:
    """Rows of the connection and the decisions about the one row that each replaces.

    Asked in steps that each begin at an index: as one statement, a large first import could wait for it for minutes.
    """
    pairs = db.session.execute(
        select(PlaidAccount.id, PlaidAccount.replaces_id).where(
            PlaidAccount.connection_id == connection_id, PlaidAccount.replaces_id.is_not(None)
        )
    ).all()
    found: list[tuple[str, TransactionChoice]] = []
    for new_account, replaced in pairs:
        old_account = AccountId(str(replaced))
        decided = _decided(user_id, old_account)
        dates = list({key[0] for key in decided.values()})
        old, new = _by_key(user_id, old_account, dates), _by_key(user_id, new_account, dates)
        for choice, key in decided.items():
            if len(old.get(key, ())) == 1 and len(new.get(key, ())) == 1:
                row_id, pending = new[key][0]
                if not pending:
                    found.append((row_id, choice))
    touched = _decided_by_hand([row_id for row_id, _ in found])
    db.session.rollback()  # the edits are units of their own
    return sorted(
        ((row_id, choice) for row_id, choice in found if row_id not in touched), key=lambda one: one[0]
    )


def _decided(user_id: UserId, account_id: AccountId) -> dict[TransactionChoice, Key]:
    """The decisions about an account's posted rows, and what their rows look like."""
    columns = [getattr(PlaidTransaction, name) for name in SAME]
    rows = db.session.execute(
        select(TransactionChoice, *columns)
        .join(PlaidTransaction, PlaidTransaction.id == TransactionChoice.transaction_id)
        .where(
            PlaidTransaction.account_id == account_id,
            PlaidTransaction.user_id == user_id,
            PlaidTransaction.pending.is_(False),
            PlaidTransaction.removed_at.is_(None),
        )
    )
    return {row[0]: tuple(row[1:]) for row in rows}


def _by_key(
    user_id: UserId, account_id: AccountId, dates: Sequence[object]
) -> dict[Key, list[tuple[str, bool]]]:
    """Every living row of an account on these days, by what it looks like: its id, and whether it is pending."""
    columns = [getattr(PlaidTransaction, name) for name in SAME]
    found: defaultdict[Key, list[tuple[str, bool]]] = defaultdict(list)
    for start in range(0, len(dates), DATES_AT_ONCE):
        for row in db.session.execute(
            select(PlaidTransaction.id, PlaidTransaction.pending, *columns).where(
                PlaidTransaction.account_id == account_id,
                PlaidTransaction.user_id == user_id,
                PlaidTransaction.removed_at.is_(None),
                PlaidTransaction.date.in_(dates[start : start + DATES_AT_ONCE]),
            )
        ):
            found[tuple(row[2:])].append((row[0], row[1]))
    return found


def _decided_by_hand(ids: Sequence[str]) -> set[str]:
    """Those of these rows that the person has decided about themselves."""
    found: set[str] = set()
    for start in range(0, len(ids), DATES_AT_ONCE):
        found.update(
            db.session.scalars(
                select(TransactionEditRow.transaction_id)
                .join(TransactionEdit, TransactionEdit.id == TransactionEditRow.edit_id)
                .where(
                    TransactionEditRow.transaction_id.in_(ids[start : start + DATES_AT_ONCE]),
                    TransactionEdit.origin == BY_HAND,
                )
            )
        )
    return found
