"""Imports of files into an account that is kept by hand: taken up, laid out, looked over, taken in, taken back."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import delete
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import upsert
from mingus.errors import MingusError
from mingus.errors import NotFound
from mingus.imports import csvfile
from mingus.imports import ofxfile
from mingus.imports import queries
from mingus.imports.csvfile import Layout
from mingus.imports.judging import Judged
from mingus.imports.judging import Known
from mingus.imports.judging import judge
from mingus.imports.judging import key_of
from mingus.imports.models import FileKind
from mingus.imports.models import ImportState
from mingus.imports.models import TransactionImport
from mingus.imports.texts import decode
from mingus.jobs import JobKind
from mingus.manual.service import ManualAccounts
from mingus.manual.service import settle
from mingus.manual.service import write_values
from mingus.money import Currency
from mingus.plaid.ledger import Arrival
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import TransactionId
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidAccount
from mingus.transactions import sums

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.db import Unit
    from mingus.imports.rows import FileRow
    from mingus.imports.rows import Reading
    from mingus.jobs import Jobs
    from mingus.plaid.models import AccountId

ROWS_AT_ONCE = 500
NAME_LENGTH = 200
DRAFTS_KEPT_FOR = dt.timedelta(days=1)
FROM_FILE = "file"  # stands where a sync has its cursor


class NotADraft(MingusError):
    """This import was finished already."""

    status = 409
    code = "not_a_draft"


class NothingToImport(MingusError):
    """Nothing in this file is new. Your transactions are as they were."""

    status = 422
    code = "nothing_to_import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What taking a draft in would do."""

    reading: Reading
    judged: Judged
    statements: tuple[ofxfile.Statement, ...]
    statement: int  # which of them it is about
    table: csvfile.Table | None
    layout: Layout | None
    currency: Currency


class Imports:
    """The only way from a file into the ledger."""

    def __init__(self, *, ambient: Ambient, jobs: Jobs, manual: ManualAccounts) -> None:
        self._ambient = ambient
        self._jobs = jobs
        self._manual = manual

    def take_up(
        self, user_id: UserId, account_id: AccountId, *, name: str, content: bytes, order: str, decimal: str
    ) -> str:
        """Keep a file as the account's draft, instead of an older one; raises FileRefused's family, NotFound."""
        text = decode(content)
        kind = FileKind.OFX if ofxfile.is_ofx(text) else FileKind.CSV
        if kind is FileKind.OFX:
            ofxfile.statements(text)
            fingerprint, layout = "", {"statement": 0}
        else:
            fingerprint, layout = self._guessed(user_id, text, order=order, decimal=decimal)
        import_id = self._ambient.new_id("imp")
        with unit_of_work() as unit:
            account = self._manual.owned(unit, user_id, account_id)
            unit.session.execute(_drafts(account.id))
            unit.session.add(
                TransactionImport(
                    id=import_id,
                    user_id=user_id,
                    account_id=account.id,
                    state=ImportState.DRAFT.value,
                    kind=kind.value,
                    file_name="".join(filter(str.isprintable, name))[:NAME_LENGTH],
                    content=text,
                    fingerprint=fingerprint,
                    layout=layout,
                    created_at=self._ambient.now(),
                )
            )
        return import_id

    def lay_out(self, user_id: UserId, import_id: str, layout: dict[str, Any]) -> None:
        """Say how a draft is to be read."""
        with unit_of_work() as unit:
            self._draft(unit, user_id, import_id).layout = layout

    def look(self, user_id: UserId, import_id: str, *, today: dt.date) -> Look:
        """What taking the draft in would do; changes nothing. Raises NotFound, NotADraft."""
        draft = queries.import_of(user_id, import_id)
        if draft is None:
            raise NotFound
        if draft.state != ImportState.DRAFT or draft.content is None:
            raise NotADraft
        return self._look(draft, draft.content, today)

    def take_in(self, user_id: UserId, import_id: str, *, today: dt.date, with_value: bool) -> int:
        """Write what is new, with the file's balance as a value if wished; how many rows. Once, however often asked."""
        with unit_of_work() as unit:
            draft = self._draft(unit, user_id, import_id)
            account = self._manual.owned(unit, user_id, draft.account_id)
            look = self._look(draft, draft.content or "", today)
            if not look.judged.new and not (with_value and look.reading.balance):
                raise NothingToImport
            sync_id = SyncId(self._ambient.new_id("sync"))
            first_id = self._write(unit, account, draft, look.judged.new, sync_id)
            draft.state, draft.done_at, draft.content = ImportState.DONE.value, self._ambient.now(), None
            draft.added, draft.known = len(look.judged.new), len(look.judged.known)
            draft.unreadable, draft.sync_id = len(look.reading.bad), sync_id
            if with_value and look.reading.balance is not None:
                draft.values_before = self._value(
                    unit, account, look.reading.balance.on, look.reading.balance.minor
                )
            self._log(unit, account, sync_id, first_id, added=draft.added)
            sums.refresh(unit, user_id, {(account.id, row.on.replace(day=1)) for row in look.judged.new})
            return draft.added

    def take_back(self, user_id: UserId, import_id: str) -> int:
        """Delete what an import brought, and put back the values that it overwrote; how many rows."""
        with unit_of_work() as unit:
            done = unit.lock(TransactionImport, import_id)
            if done is None or done.user_id != user_id or done.state != ImportState.DONE:
                raise NotFound
            account = self._manual.owned(unit, user_id, done.account_id)
            brought = (
                PlaidTransaction.account_id == account.id,
                PlaidTransaction.first_sync_id == done.sync_id,
            )
            with sums.going(unit, user_id, *brought):
                gone = unit.session.execute(
                    delete(PlaidTransaction).where(*brought).returning(PlaidTransaction.id)
                ).all()
            for day, before in done.values_before.items():
                self._restore(unit, account, dt.date.fromisoformat(day), before)
            done.state = ImportState.UNDONE.value
            return len(gone)

    def leave(self, user_id: UserId, import_id: str) -> None:
        """Drop a draft; nothing of it was written."""
        with unit_of_work() as unit:
            unit.session.delete(self._draft(unit, user_id, import_id))

    def forget_drafts(self) -> None:
        """Files that nobody decided about are not kept for long."""
        before = self._ambient.now() - DRAFTS_KEPT_FOR
        with unit_of_work() as unit:
            unit.session.execute(
                delete(TransactionImport).where(
                    TransactionImport.state == ImportState.DRAFT.value, TransactionImport.created_at < before
                )
            )

    # how

    def _guessed(self, user_id: UserId, text: str, *, order: str, decimal: str) -> tuple[str, dict[str, Any]]:
        """The layout of the last such file, else the likeliest."""
        table = csvfile.table(text)
        head = json.dumps([table.delimiter, *table.head])
        fingerprint = hashlib.sha256(head.encode()).hexdigest()
        guessed = csvfile.guess(table, order=order, decimal=decimal)
        before = queries.layout_before(user_id, fingerprint)
        if before is None:
            return fingerprint, guessed.as_json()
        return fingerprint, {**before, "skip": guessed.skip, "headed": guessed.headed}

    def _look(self, draft: TransactionImport, text: str, today: dt.date) -> Look:
        account = db.session.get_one(PlaidAccount, draft.account_id)
        currency = Currency(account.currency)
        if draft.kind == FileKind.OFX:
            found = ofxfile.statements(text)
            chosen = min(int(draft.layout.get("statement", 0)), len(found) - 1)
            reading = ofxfile.read(found[chosen], currency, today=today)
            table, layout = None, None
        else:
            found, chosen, layout = [], 0, Layout(**draft.layout)
            table = csvfile.table(text, layout.delimiter)
            reading = csvfile.read(text, layout, currency, today=today)
        judged = judge(reading.rows, _here(account, reading))
        return Look(
            reading=reading,
            judged=judged,
            statements=tuple(found),
            statement=chosen,
            table=table,
            layout=layout,
            currency=currency,
        )

    def _draft(self, unit: Unit, user_id: UserId, import_id: str) -> TransactionImport:
        draft = unit.lock(TransactionImport, import_id)
        if draft is None or draft.user_id != user_id:
            raise NotFound
        if draft.state != ImportState.DRAFT:
            raise NotADraft
        return draft

    def _write(
        self,
        unit: Unit,
        account: PlaidAccount,
        draft: TransactionImport,
        rows: tuple[FileRow, ...],
        sync_id: SyncId,
    ) -> TransactionId | None:
        first_id = None
        for start in range(0, len(rows), ROWS_AT_ONCE):
            values = [self._facts(account, draft, row, sync_id) for row in rows[start : start + ROWS_AT_ONCE]]
            first_id = first_id or values[0]["id"]
            upsert(
                unit.session,
                PlaidTransaction,
                values,
                key=["connection_id", "plaid_transaction_id"],
                keep=list(values[0]),
            )
        return first_id

    def _facts(
        self, account: PlaidAccount, draft: TransactionImport, row: FileRow, sync_id: SyncId
    ) -> dict[str, Any]:
        key = f"{account.id}:{key_of(row.bank_id)}" if row.bank_id else f"{draft.id}:{row.number}"
        return {
            "id": TransactionId(self._ambient.new_id("txn")),
            "user_id": account.user_id,
            "connection_id": account.connection_id,
            "account_id": account.id,
            "plaid_transaction_id": key,
            "amount_minor": row.amount_minor,
            "currency": account.currency,
            "date": row.on,
            "pending": False,
            "name": row.text,
            "merchant_name": row.payee,
            "raw": json.dumps({"file": draft.file_name, "row": row.number, **row.facts}, ensure_ascii=False),
            "first_sync_id": sync_id,
            "last_sync_id": sync_id,
        }

    def _value(self, unit: Unit, account: PlaidAccount, on: dt.date, minor: int) -> dict[str, int | None]:
        before = unit.session.get(BalanceSnapshot, (account.id, on))
        kept = before.current_minor if before is not None else None
        write_values(unit, account, {on: minor})
        return {on.isoformat(): kept}

    def _restore(self, unit: Unit, account: PlaidAccount, on: dt.date, before: int | None) -> None:
        if before is not None:
            write_values(unit, account, {on: before})
            return
        unit.session.execute(
            delete(BalanceSnapshot).where(
                BalanceSnapshot.account_id == account.id, BalanceSnapshot.taken_on == on
            )
        )
        settle(unit, account)

    def _log(
        self,
        unit: Unit,
        account: PlaidAccount,
        sync_id: SyncId,
        first_id: TransactionId | None,
        *,
        added: int,
    ) -> None:
        """An import is told like a sync, and rules and pairing see its rows like those of one."""
        now = self._ambient.now()
        unit.session.add(
            PlaidSyncLog(
                id=sync_id,
                connection_id=account.connection_id,
                user_id=account.user_id,
                trigger=Trigger.IMPORT.value,
                status=SyncStatus.SUCCESS.value,
                requested_at=now,
                started_at=now,
                finished_at=now,
                added=added,
                cursor_before=FROM_FILE,
            )
        )
        unit.session.add(
            Arrival(
                sync_id=sync_id,
                user_id=account.user_id,
                connection_id=account.connection_id,
                first_id=first_id,
                at=now,
            )
        )
        unit.after_commit(lambda: self._jobs.enqueue(JobKind.ARRIVAL, sync_id=sync_id))


def _here(account: PlaidAccount, reading: Reading) -> list[Known]:
    """The account's transactions of the days that the file is about."""
    if not reading.rows:
        return []
    days = [row.on for row in reading.rows]
    prefix = f"{account.id}:"
    table = PlaidTransaction
    rows = db.session.execute(
        select(table.plaid_transaction_id, table.date, table.amount_minor, table.name).where(
            table.account_id == account.id, table.date >= min(days), table.date <= max(days)
        )
    )
    return [
        Known(
            plaid_id=row.plaid_transaction_id.removeprefix(prefix),
            on=row.date,
            amount_minor=row.amount_minor,
            text=row.name,
        )
        for row in rows
    ]


def _drafts(account_id: AccountId) -> Any:
    return delete(TransactionImport).where(
        TransactionImport.account_id == account_id, TransactionImport.state == ImportState.DRAFT.value
    )
