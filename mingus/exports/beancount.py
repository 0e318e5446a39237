"""A ledger as Beancount's text: every account with its opening balance, every transaction with its category.

Directives may come in any order, so what is known only at the end (openings, accounts) stands there.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import TYPE_CHECKING

from mingus import money
from mingus.money import Money
from mingus.transactions.categories import UNCATEGORISED
from mingus.transactions.categories import Flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mingus.exports.source import Source
    from mingus.exports.source import Statement
    from mingus.money import Currency
    from mingus.plaid.queries import AccountRow
    from mingus.transactions.listing import Entry

DAY = dt.timedelta(days=1)
OPENING, TRANSFERS = "Equity:Opening-Balances", "Equity:Transfers"
COIN = "COIN."  # so that a coin is never taken for the currency of the same letters
OWED = {"credit", "loan"}


def as_beancount(source: Source) -> Iterator[str]:
    """The ledger, a piece at a time; what is pending is not in it."""
    yield f'option "title" "MINGUS, {source.today.isoformat()}"\n\n'
    names = _Names(source)
    used = set()
    for statement in source.statements():
        account = names.account(statement.account)
        used.add(account)
        total = 0
        for entry in statement.entries:
            total += entry.amount.minor
            other = names.category(entry)
            used.add(other)
            yield _transaction(entry, account, other)
        balance = _standing(source, statement)
        if balance is not None:
            used.add(OPENING)
            yield _opening(names.begins(statement, source), account, balance, total)
            yield f"{_after(statement, source)} balance {account}  {_amount(balance)}\n\n"
    for name in sorted(used):
        yield f"{names.earliest - DAY} open {name}\n"


def _standing(source: Source, statement: Statement) -> Money | None:
    """The balance that the rows must come to; only where all of them are here."""
    current = statement.account.current
    return current if source.is_whole and current and current.currency == statement.currency else None


def _after(statement: Statement, source: Source) -> dt.date:
    """A balance is checked at the beginning of a day: that after the last row can be dated."""
    return max(statement.account.as_of.date(), source.today) + DAY


def _opening(day: dt.date, account: str, balance: Money, total: int) -> str:
    before = Money(minor=balance.minor - total, currency=balance.currency)
    return f'{day} * "Opening balance"\n  {account}  {_amount(before)}\n  {OPENING}  {_amount(-before)}\n\n'


def _transaction(entry: Entry, account: str, other: str) -> str:
    tags = " ".join(f"#{tag}" for tag in (_slug(tag) for tag in entry.tags) if tag)
    lines = [
        f'{entry.date} * "{_text(entry.title)}" "{_text(entry.bank_name)}"{" " + tags if tags else ""}',
        f'  id: "{entry.id}"',
    ]
    if entry.notes:
        lines.append(f'  notes: "{_text(entry.notes)}"')
    lines += [f"  {account}  {_amount(entry.amount)}", f"  {other}  {_amount(-entry.amount)}"]
    return "\n".join(lines) + "\n\n"


class _Names:
    """Names for accounts and categories in the ledger: readable, valid, each its own."""

    def __init__(self, source: Source) -> None:
        self._catalogue = source.catalogue
        self.earliest = source.today
        self._accounts: dict[str, str] = {}
        for row in source.accounts.values():
            side = "Liabilities" if row.type in OWED else "Assets"
            parts = (row.institution_name, f"{row.name} {row.mask or ''}")
            name = ":".join((side, *(_part(part) for part in parts)))
            taken = name in self._accounts.values()
            self._accounts[row.id] = f"{name}-{_part(row.id[-6:])}" if taken else name

    def account(self, row: AccountRow) -> str:
        return self._accounts[row.id]

    def begins(self, statement: Statement, source: Source) -> dt.date:
        """The day before the first row of all, of which the openings are."""
        oldest = min(source.today, statement.account.as_of.date())
        self.earliest = min(self.earliest, oldest)
        return self.earliest - DAY

    def category(self, entry: Entry) -> str:
        category = entry.category
        self.earliest = min(self.earliest, entry.date)
        if entry.paired or category.flow is Flow.TRANSFER:
            return TRANSFERS
        untold = category.code == UNCATEGORISED
        earned = category.flow is Flow.INCOME or (untold and entry.amount.minor > 0)
        group = self._catalogue.find(category.group).label
        parts = [group] if category.parent is None else [group, category.label]
        return ":".join(("Income" if earned else "Expenses", *(_part(part) for part in parts)))


def _part(text: str) -> str:
    """One part of an account's name: letters, digits and hyphens, beginning with a capital or a digit."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub("[^A-Za-z0-9]+", "-", plain).strip("-")
    return (words[:1].upper() + words[1:]) or "X" + text.encode().hex()[:12].upper()


def _slug(tag: str) -> str:
    plain = unicodedata.normalize("NFKD", tag).encode("ascii", "ignore").decode()
    return re.sub("[^A-Za-z0-9-]+", "-", plain).strip("-")


def _text(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain.replace("\\", "\\\\").replace('"', '\\"').strip()


def _amount(amount: Money) -> str:
    return f"{amount.major:f} {_commodity(amount.currency)}"


def _commodity(currency: Currency) -> str:
    if currency == money.UNKNOWN:
        return "XXX"
    letters = re.sub("[^A-Z0-9]", "", money.code(currency)) or "X"
    if currency.startswith(money.UNOFFICIAL_MARK):
        return f"{COIN}{letters}"
    return letters if re.fullmatch("[A-Z][A-Z0-9]+", letters) else f"C.{letters}"
