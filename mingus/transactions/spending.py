"""Which transactions count, and as what: conditions for statements over a person's living rows.

Every total of the application is built from these, so that list, reports and dashboard agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import BindParameter
from sqlalchemy import ColumnElement
from sqlalchemy import Select
from sqlalchemy import and_
from sqlalchemy import case
from sqlalchemy import func
from sqlalchemy import literal
from sqlalchemy import literal_column
from sqlalchemy import not_
from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy import union_all
from sqlalchemy.orm import aliased

from mingus.plaid.accounts import replaced_accounts
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.models import PlaidConnection
from mingus.plaid.staging import is_settled
from mingus.transactions.categories import UNCATEGORISED
from mingus.transactions.categories import Flow
from mingus.transactions.categories import of_banks
from mingus.transactions.models import OwnCategory
from mingus.transactions.models import TransferPair

if TYPE_CHECKING:
    from mingus.auth.models import UserId

# the bank could not tell: the sign has to
UNTOLD = (UNCATEGORISED, "OTHER", "OTHER_OTHER")


def rows_of(
    user_id: UserId | BindParameter[Any], *, environment: str | BindParameter[Any], removed: bool = False
) -> Select[PlaidTransaction, TransactionChoice]:
    """The person's transactions with what they decided about each, hidden ones too.

    An account that was linked anew under another connection replaces its predecessor.
    """
    gone = PlaidTransaction.removed_at
    asleep = select(PlaidConnection.id).where(
        PlaidConnection.user_id == user_id, PlaidConnection.environment != environment
    )
    return (
        select(PlaidTransaction, TransactionChoice)
        .outerjoin(TransactionChoice, TransactionChoice.transaction_id == PlaidTransaction.id)
        .where(
            PlaidTransaction.user_id == user_id,
            gone.is_not(None) if removed else gone.is_(None),
            # what is asleep is taken out, not what is awake let in: joined, it would lead, and the rows be sorted
            PlaidTransaction.connection_id.not_in(asleep),
            PlaidTransaction.account_id.not_in(replaced_accounts(user_id)),
            is_settled(),
        )
    )


def shown_rows(user_id: UserId, *, environment: str) -> Select[PlaidTransaction, TransactionChoice]:
    """The rows that count: living, and not hidden by the person. What reports are made of."""
    return rows_of(user_id, environment=environment).where(is_shown())


def is_shown() -> ColumnElement[bool]:
    return or_(TransactionChoice.hidden.is_(None), TransactionChoice.hidden.is_(False))


def effective_code() -> ColumnElement[str | None]:
    """The person's category, else the bank's finest; None where nobody told."""
    return func.nullif(
        func.coalesce(
            TransactionChoice.category, PlaidTransaction.category_detailed, PlaidTransaction.category
        ),
        "",
    )


def banks_group() -> ColumnElement[str]:
    """The bank's group where the person decided nothing else, else empty."""
    return func.coalesce(case((TransactionChoice.category.is_(None), PlaidTransaction.category)), "")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What says what money counts as: of rows, or of the sums that are kept of them."""

    owner: Any  # a column, or a parameter
    code: ColumnElement[str | None]
    banks_group: ColumnElement[str]
    sign: ColumnElement[int]  # or the amount: only compared with 0
    paired: ColumnElement[bool]


@cache
def rows() -> Seen:
    """What rows say, joined with what the person decided about them."""
    return Seen(
        owner=PlaidTransaction.user_id,
        code=effective_code(),
        banks_group=banks_group(),
        sign=PlaidTransaction.amount_minor.expression,
        paired=is_paired(),
    )


def in_category(codes: tuple[str, ...], seen: Seen | None = None) -> ColumnElement[bool]:
    """True for rows in one of these categories, or in an unheard-of one within these groups.

    For a whole group pass `Catalogue.codes_under(code)`.
    """
    seen = seen or rows()
    found = or_(seen.code.in_(codes), seen.banks_group.in_(codes))
    return or_(found, seen.code.is_(None)) if UNCATEGORISED in codes else found


@cache
def is_transfer(seen: Seen | None = None) -> ColumnElement[bool]:
    """Moved between the person's own accounts, or borrowed: counts neither as spent nor as earned."""
    seen = seen or rows()
    return or_(_means(Flow.TRANSFER, seen), seen.paired)


@cache
def is_paired() -> ColumnElement[bool]:
    """One side of a transfer whose other side is here too, and has not been taken back by its bank."""
    other = aliased(PlaidTransaction)
    pairs = select(literal(1)).where(TransferPair.undone_at.is_(None), other.removed_at.is_(None))
    sides = (TransferPair.out_id, TransferPair.in_id)
    # in one EXISTS, which PostgreSQL looks up for each row; of two it would make tables of everybody's pairs
    return union_all(
        *(
            pairs.where(one == PlaidTransaction.id, two == other.id).correlate(PlaidTransaction)
            for one, two in (sides, sides[::-1])
        )
    ).exists()


@cache
def is_income(seen: Seen | None = None) -> ColumnElement[bool]:
    """Earned: by its category, or by its sign where there is none."""
    seen = seen or rows()
    return and_(not_(is_transfer(seen)), _is_earned(seen))


@cache
def is_spending(seen: Seen | None = None) -> ColumnElement[bool]:
    """Spent, or given back of what was spent: a refund is a positive amount here and lessens the sum."""
    seen = seen or rows()
    return and_(not_(is_transfer(seen)), not_(_is_earned(seen)))


@cache
def earned_or_spent(seen: Seen | None = None) -> ColumnElement[int]:
    """1 for what is earned, -1 for what is spent, 0 for what only moved: for statements that ask for both."""
    seen = seen or rows()
    return case((is_transfer(seen), 0), (_is_earned(seen), 1), else_=-1)


def _is_earned(seen: Seen) -> ColumnElement[bool]:
    untold = and_(_one_of(func.coalesce(seen.code, UNCATEGORISED), UNTOLD), seen.sign > 0)
    return or_(_means(Flow.INCOME, seen), untold)


def _means(flow: Flow, seen: Seen) -> ColumnElement[bool]:
    """By its category; never null, so that it can be turned round."""
    codes, groups = _codes(flow)
    own = select(OwnCategory.id).where(
        OwnCategory.user_id == seen.owner, _one_of(OwnCategory.parent.expression, groups)
    )
    code = func.coalesce(seen.code, UNCATEGORISED)
    return or_(_one_of(code, codes), _one_of(seen.banks_group, groups), code.in_(own))


def _one_of(column: ColumnElement[Any], codes: tuple[str, ...]) -> ColumnElement[bool]:
    """The codes are ours and stand in the statement itself: PostgreSQL finds them by a hash then, not one by one."""
    listed = ", ".join(f"'{code}'" for code in codes)
    return column.op("IN", is_comparison=True)(literal_column(f"({listed})"))


def meanings() -> list[tuple[str, ...]]:
    """Which of the bank's codes mean what; a version of MINGUS may see it otherwise than the one before."""
    return [codes for flow in Flow for codes in _codes(flow)]


@cache
def _codes(flow: Flow) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The bank's codes with this meaning, and those groups that have it as a whole."""
    found = [category for category in of_banks().values() if category.flow is flow]
    groups = tuple(category.code for category in found if category.parent is None)
    return tuple(category.code for category in found), groups
