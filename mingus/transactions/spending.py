"""Which transactions count, and as what: conditions for statements over a person's living rows.

Every total of the application is built from these, so that list, reports and dashboard agree.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement
from sqlalchemy import Select
from sqlalchemy import and_
from sqlalchemy import exists
from sqlalchemy import func
from sqlalchemy import not_
from sqlalchemy import or_
from sqlalchemy import select
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
    user_id: UserId, *, environment: str, removed: bool = False
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
    return func.coalesce(
        TransactionChoice.category, PlaidTransaction.category_detailed, PlaidTransaction.category
    )


def in_category(codes: tuple[str, ...]) -> ColumnElement[bool]:
    """True for rows in one of these categories, or in an unheard-of one within these groups.

    For a whole group pass `Catalogue.codes_under(code)`.
    """
    unheard = and_(TransactionChoice.category.is_(None), PlaidTransaction.category.in_(codes))
    if UNCATEGORISED in codes:
        unheard = or_(unheard, effective_code().is_(None))
    return or_(effective_code().in_(codes), unheard)


def is_transfer() -> ColumnElement[bool]:
    """Moved between the person's own accounts, or borrowed: counts neither as spent nor as earned."""
    return or_(_means(Flow.TRANSFER), is_paired())


def is_paired() -> ColumnElement[bool]:
    """One side of a transfer whose other side is here too, and has not been taken back by its bank."""
    other = aliased(PlaidTransaction)
    pairs = exists().where(TransferPair.undone_at.is_(None), other.removed_at.is_(None))
    return or_(
        pairs.where(TransferPair.out_id == PlaidTransaction.id, TransferPair.in_id == other.id),
        pairs.where(TransferPair.in_id == PlaidTransaction.id, TransferPair.out_id == other.id),
    )


def is_income() -> ColumnElement[bool]:
    """Earned: by its category, or by its sign where there is none."""
    untold = and_(_is_untold(), PlaidTransaction.amount_minor > 0)
    return and_(not_(is_transfer()), or_(_means(Flow.INCOME), untold))


def is_spending() -> ColumnElement[bool]:
    """Spent, or given back of what was spent: a refund is a positive amount here and lessens the sum."""
    untold = and_(_is_untold(), PlaidTransaction.amount_minor > 0)
    return and_(not_(is_transfer()), not_(or_(_means(Flow.INCOME), untold)))


def _is_untold() -> ColumnElement[bool]:
    return func.coalesce(effective_code(), UNCATEGORISED).in_(UNTOLD)


def _means(flow: Flow) -> ColumnElement[bool]:
    """By the row's category; never null, so that it can be turned round."""
    codes, groups = _codes(flow)
    own = select(OwnCategory.id).where(
        OwnCategory.user_id == PlaidTransaction.user_id, OwnCategory.parent.in_(groups)
    )
    return or_(
        func.coalesce(effective_code(), UNCATEGORISED).in_(codes),
        and_(TransactionChoice.category.is_(None), func.coalesce(PlaidTransaction.category, "").in_(groups)),
        func.coalesce(TransactionChoice.category, "").in_(own),
    )


@cache
def _codes(flow: Flow) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The bank's codes with this meaning, and those groups that have it as a whole."""
    found = [category for category in of_banks().values() if category.flow is flow]
    groups = tuple(category.code for category in found if category.parent is None)
    return tuple(category.code for category in found), groups
