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

from sqlalchemy import ColumnElement
from sqlalchemy import exists
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy.orm import aliased

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.models import PlaidAccount
from mingus.transactions.edits import BY_HAND
from mingus.transactions.edits import FIELDS
from mingus.transactions.edits import Edits
from mingus.transactions.edits import Wish
from mingus.transactions.models import TransactionEdit
from mingus.transactions.models import TransactionEditRow

if TYPE_CHECKING:
    from sqlalchemy.orm import InstrumentedAttribute

    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.plaid.models import ConnectionId

SAME = ("date", "amount_minor", "currency", "name")


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


def _heirs(user_id: UserId, connection_id: ConnectionId) -> list[tuple[str, TransactionChoice]]:
    """Rows of the connection and the decisions about the one row that each replaces."""
    new, old = aliased(PlaidTransaction), aliased(PlaidTransaction)
    touched = (
        select(TransactionEditRow.transaction_id)
        .join(TransactionEdit, TransactionEdit.id == TransactionEditRow.edit_id)
        .where(TransactionEditRow.transaction_id == new.id, TransactionEdit.origin == BY_HAND)
    )
    rows = db.session.execute(
        select(new.id, TransactionChoice)
        .join(old, old.id == TransactionChoice.transaction_id)
        .join(PlaidAccount, PlaidAccount.replaces_id == old.account_id)
        .join(new, new.account_id == PlaidAccount.id)
        .where(
            PlaidAccount.connection_id == connection_id,
            old.user_id == user_id,
            new.user_id == user_id,
            *(getattr(new, name) == getattr(old, name) for name in SAME),
            *(_is_posted(row) for row in (new, old)),
            _alone(old, old.account_id),
            _alone(new, new.account_id),
            ~exists(touched),
        )
        .order_by(new.id)
    ).all()
    db.session.rollback()  # the edits are units of their own
    return [(row_id, choice) for row_id, choice in rows]


def _is_posted(row: type[PlaidTransaction]) -> ColumnElement[bool]:
    return row.pending.is_(False) & row.removed_at.is_(None)


def _alone(row: type[PlaidTransaction], account_id: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """True when the account has no second row that looks the same."""
    like = aliased(PlaidTransaction)
    same = [getattr(like, name) == getattr(row, name) for name in SAME]
    count = select(func.count()).where(like.account_id == account_id, like.removed_at.is_(None), *same)
    return count.correlate(row).scalar_subquery() == 1
