"""Statements as OFX 2.2, which most finance programs read: a statement for each account and currency.

OFX knows official currencies only; what is in coins is left out, and a comment at the head says how much that concerns.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from mingus import money
from mingus.money import Money

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from collections.abc import Iterator

    from mingus.exports.source import Source
    from mingus.exports.source import Statement
    from mingus.plaid.queries import AccountRow
    from mingus.transactions.listing import Entry

HEAD = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    '<?OFX OFXHEADER="200" VERSION="220" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\n'
)
OK = "<STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>"
NO_CURRENCY = "XXX"  # ISO 4217 for none
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CURRENCY = re.compile("[A-Z]{3}")
KIND_OF = {"savings": "SAVINGS", "money market": "MONEYMRKT", "cd": "CD"}
NAME_LENGTH, MEMO_LENGTH, BANK_LENGTH, ACCOUNT_LENGTH = 32, 255, 9, 22


def as_ofx(source: Source) -> Iterator[str]:
    """The document, a piece at a time."""
    yield HEAD
    yield f"<OFX><SIGNONMSGSRSV1><SONRS>{OK}<DTSERVER>{_day(source.today)}</DTSERVER><LANGUAGE>ENG</LANGUAGE>"
    yield "</SONRS></SIGNONMSGSRSV1>\n"
    cards = {account.id for account in source.accounts.values() if account.type == "credit"}
    yield from _messages("BANKMSGSRSV1", source, (one for one in source.accounts if one not in cards))
    yield from _messages("CREDITCARDMSGSRSV1", source, cards)
    yield "</OFX>\n"


def _messages(name: str, source: Source, wanted: Iterable[str]) -> Iterator[str]:
    """The statements of one kind, wrapped only if there is any."""
    ids, is_open = set(wanted), False
    for statement in source.statements():
        if statement.account.id not in ids:
            continue
        code = _currency(statement)
        if code is None:
            yield f"<!-- {_text(statement.account.name, MEMO_LENGTH).replace('--', '- -')}: not in OFX -->\n"
            continue
        if not is_open:
            yield f"<{name}>\n"
            is_open = True
        yield from _statement(source, statement, code)
    if is_open:
        yield f"</{name}>\n"


def _statement(source: Source, statement: Statement, code: str) -> Iterator[str]:
    account = statement.account
    prefix = "CC" if account.type == "credit" else ""
    yield f"<{prefix}STMTTRNRS><TRNUID>{_key(account)}-{code}</TRNUID>{OK}<{prefix}STMTRS><CURDEF>{code}</CURDEF>"
    yield _account(account)
    first = next(statement.entries, None)
    total = 0
    if first is not None:
        until = max(source.today, first.date)
        yield f"<BANKTRANLIST><DTSTART>{_day(first.date)}</DTSTART><DTEND>{_day(until)}</DTEND>\n"
        for entry in chain([first], statement.entries):
            total += entry.amount.minor
            yield _row(entry)
        yield "</BANKTRANLIST>\n"
    yield _balance(source, statement, total)
    yield f"</{prefix}STMTRS></{prefix}STMTTRNRS>\n"


def _account(account: AccountRow) -> str:
    if account.type == "credit":
        return f"<CCACCTFROM><ACCTID>{_key(account)}</ACCTID></CCACCTFROM>\n"
    bank = re.sub("[^A-Z0-9]", "", account.institution_name.upper())[:BANK_LENGTH] or "MINGUS"
    kind = "CREDITLINE" if account.type == "loan" else KIND_OF.get(account.subtype or "", "CHECKING")
    return (
        f"<BANKACCTFROM><BANKID>{bank}</BANKID><ACCTID>{_key(account)}</ACCTID>"
        f"<ACCTTYPE>{kind}</ACCTTYPE></BANKACCTFROM>\n"
    )


def _row(entry: Entry) -> str:
    amount = entry.amount
    kind = "CREDIT" if amount.minor > 0 else "DEBIT"
    return (
        f"<STMTTRN><TRNTYPE>{kind}</TRNTYPE><DTPOSTED>{_day(entry.date)}</DTPOSTED>"
        f"<TRNAMT>{amount.major:f}</TRNAMT><FITID>{entry.id}</FITID>"
        f"<NAME>{_text(entry.title, NAME_LENGTH)}</NAME><MEMO>{_text(entry.bank_name, MEMO_LENGTH)}</MEMO>"
        "</STMTTRN>\n"
    )


def _balance(source: Source, statement: Statement, total: int) -> str:
    """OFX demands a balance. Where nobody told one, it is what the rows come to, and that is said."""
    current = statement.account.current
    if current is not None and current.currency == statement.currency:
        as_of = statement.account.as_of.strftime("%Y%m%d%H%M%S")
        return f"<LEDGERBAL><BALAMT>{current.major:f}</BALAMT><DTASOF>{as_of}</DTASOF></LEDGERBAL>"
    summed = Money(minor=total, currency=statement.currency).major
    return (
        f"<LEDGERBAL><BALAMT>{summed:f}</BALAMT><DTASOF>{_day(source.today)}</DTASOF></LEDGERBAL>"
        "<MKTGINFO>No balance is known: the sum of these rows stands instead.</MKTGINFO>"
    )


def _currency(statement: Statement) -> str | None:
    """The currency's code where OFX has one."""
    if statement.currency == money.UNKNOWN:
        return NO_CURRENCY
    return str(statement.currency) if CURRENCY.fullmatch(statement.currency) else None


def _key(account: AccountRow) -> str:
    return account.id[-ACCOUNT_LENGTH:]


def _day(day: dt.date) -> str:
    return day.strftime("%Y%m%d")


def _text(text: str, length: int) -> str:
    return escape(" ".join(NOT_IN_XML.sub(" ", text).split())[:length].strip()) or "-"
