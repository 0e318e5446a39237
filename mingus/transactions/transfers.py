"""Money moved between a person's own accounts: both sides found, paired, and kept out of spending.

Two rows are a pair when the one's amount is the other's with the sign turned, in the same currency, on two accounts, a
few days apart, and nothing speaks against it: a side that is surely a purchase or a salary is never paired.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import or_
from sqlalchemy import select

from mingus.db import unit_of_work
from mingus.errors import NotFound
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.ledger import TransactionId
from mingus.plaid.models import PlaidConnection
from mingus.plaid.staging import is_settled
from mingus.transactions import catalogues
from mingus.transactions import sums
from mingus.transactions.categories import Flow
from mingus.transactions.models import TransferPair
from mingus.transactions.spending import UNTOLD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Iterator
    from collections.abc import Sequence

    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.db import Unit
    from mingus.transactions.categories import Catalogue

MOST_DAYS = 4
MOST_DAYS_UNTOLD = 1
ROWS_AT_ONCE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What pairing needs to know of a row."""

    id: TransactionId
    account_id: str
    environment: str
    amount_minor: int
    currency: str
    date: dt.date
    is_transfer: bool
    is_untold: bool


class Transfers:
    """Finds pairs, and takes back those that are none."""

    def __init__(self, ambient: Ambient) -> None:
        self._ambient = ambient

    def pair(self, user_id: UserId, ids: Sequence[TransactionId]) -> int:
        """Pair these rows with their other sides, as far as they have one; how many pairs were found.

        Safe to repeat: a row has one partner at most, and what was undone stays undone.
        """
        catalogue = catalogues.of(user_id)
        count = 0
        for start in range(0, len(ids), ROWS_AT_ONCE):
            with unit_of_work() as unit:
                rows = _sides(unit, user_id, catalogue, ids=ids[start : start + ROWS_AT_ONCE])
                others = _opposite(unit, user_id, catalogue, rows)
                taken, undone = _known(unit, user_id, [side.id for side in (*rows, *others)])
                paired: list[TransactionId] = []
                for one, two in _best(rows, others, taken, undone):
                    out, back = (one, two) if one.amount_minor < 0 else (two, one)
                    pair = TransferPair(
                        out_id=out.id, in_id=back.id, user_id=user_id, found_at=self._ambient.now()
                    )
                    unit.session.add(pair)
                    paired += [out.id, back.id]
                sums.refresh_rows(unit, user_id, paired)
                count += len(paired) // 2
        return count

    def undo(self, user_id: UserId, transaction_id: TransactionId) -> None:
        """The person says it is no transfer: both sides count again, for good; raises NotFound."""
        with unit_of_work() as unit:
            pair = _pair_of(unit, user_id, transaction_id, undone=False)
            pair.undone_at = self._ambient.now()
            sums.refresh_rows(unit, user_id, [pair.out_id, pair.in_id])

    def redo(self, user_id: UserId, transaction_id: TransactionId) -> None:
        """It is one after all; raises NotFound when nothing was undone."""
        with unit_of_work() as unit:
            pair = _pair_of(unit, user_id, transaction_id, undone=True)
            pair.undone_at = None
            sums.refresh_rows(unit, user_id, [pair.out_id, pair.in_id])


def _pair_of(unit: Unit, user_id: UserId, transaction_id: TransactionId, *, undone: bool) -> TransferPair:
    at = TransferPair.undone_at
    found = unit.session.scalars(
        select(TransferPair)
        .where(
            TransferPair.user_id == user_id,
            or_(TransferPair.out_id == transaction_id, TransferPair.in_id == transaction_id),
            at.is_not(None) if undone else at.is_(None),
        )
        .order_by(at.desc())
        .with_for_update()
    ).first()
    if found is None:
        raise NotFound
    return found


def _sides(
    unit: Unit,
    user_id: UserId,
    catalogue: Catalogue,
    *,
    ids: Sequence[TransactionId] | None = None,
    amounts: Iterable[int] = (),
    since: dt.date = dt.date.min,
    until: dt.date = dt.date.max,
) -> list[Side]:
    """Posted, living rows that the person does not hide: these ones, or those with these amounts in these days."""
    code = func.coalesce(
        TransactionChoice.category, PlaidTransaction.category_detailed, PlaidTransaction.category
    )
    table = PlaidTransaction
    statement = (
        select(
            table.id,
            table.account_id,
            PlaidConnection.environment,
            table.amount_minor,
            table.currency,
            table.date,
            table.merchant_name,
            code.label("code"),
        )
        .join(PlaidConnection, PlaidConnection.id == table.connection_id)
        .outerjoin(TransactionChoice, TransactionChoice.transaction_id == table.id)
        .where(
            table.user_id == user_id,
            is_settled(),
            table.removed_at.is_(None),
            table.pending.is_(False),
            table.amount_minor != 0,
            or_(TransactionChoice.hidden.is_(None), TransactionChoice.hidden.is_(False)),
        )
    )
    if ids is not None:
        statement = statement.where(table.id.in_(ids))
    else:
        statement = statement.where(table.amount_minor.in_(amounts), table.date.between(since, until))
    return [
        Side(
            id=row.id,
            account_id=row.account_id,
            environment=row.environment,
            amount_minor=row.amount_minor,
            currency=row.currency,
            date=row.date,
            is_transfer=catalogue.find(row.code).flow is Flow.TRANSFER,
            is_untold=row.merchant_name is None and (row.code or UNTOLD[0]) in UNTOLD,
        )
        for row in unit.session.execute(statement)
    ]


def _opposite(unit: Unit, user_id: UserId, catalogue: Catalogue, rows: Sequence[Side]) -> list[Side]:
    if not rows:
        return []
    reach = dt.timedelta(days=MOST_DAYS)
    return _sides(
        unit,
        user_id,
        catalogue,
        amounts={-side.amount_minor for side in rows},
        since=min(side.date for side in rows) - reach,
        until=max(side.date for side in rows) + reach,
    )


def _known(
    unit: Unit, user_id: UserId, ids: Sequence[TransactionId]
) -> tuple[set[TransactionId], set[tuple[TransactionId, TransactionId]]]:
    """Which of these have a partner, and which pairs the person took back."""
    taken: set[TransactionId] = set()
    undone: set[tuple[TransactionId, TransactionId]] = set()
    for start in range(0, len(ids), ROWS_AT_ONCE):
        some = ids[start : start + ROWS_AT_ONCE]
        pairs = unit.session.scalars(
            select(TransferPair).where(
                TransferPair.user_id == user_id,
                or_(TransferPair.out_id.in_(some), TransferPair.in_id.in_(some)),
            )
        )
        for pair in pairs:
            if pair.undone_at is None:
                taken |= {pair.out_id, pair.in_id}
            else:
                undone |= {(pair.out_id, pair.in_id), (pair.in_id, pair.out_id)}
    return taken, undone


def _best(
    rows: Sequence[Side],
    others: Sequence[Side],
    taken: set[TransactionId],
    undone: set[tuple[TransactionId, TransactionId]],
) -> Iterator[tuple[Side, Side]]:
    """The likeliest pairs first: the surest, then the nearest; each row once."""
    by_amount: dict[tuple[int, str], list[Side]] = {}
    for other in others:
        by_amount.setdefault((other.amount_minor, other.currency), []).append(other)
    possible = [
        (_doubt(one, two), one, two)
        for one in rows
        for two in by_amount.get((-one.amount_minor, one.currency), [])
        if (one.id, two.id) not in undone and _may_pair(one, two)
    ]
    for _, one, two in sorted(possible, key=lambda found: (found[0], found[1].id, found[2].id)):
        if one.id not in taken and two.id not in taken:
            taken |= {one.id, two.id}
            yield one, two


def _doubt(one: Side, two: Side) -> tuple[int, int]:
    return 2 - one.is_transfer - two.is_transfer, abs((one.date - two.date).days)


def _may_pair(one: Side, two: Side) -> bool:
    if one.account_id == two.account_id or one.environment != two.environment:
        return False
    days = abs((one.date - two.date).days)
    if not all(side.is_transfer or side.is_untold for side in (one, two)):
        return False
    return days <= (MOST_DAYS if one.is_transfer or two.is_transfer else MOST_DAYS_UNTOLD)
