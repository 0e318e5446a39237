"""Writing what a product's reading found, always in the caller's unit: what it no longer names is gone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import delete
from sqlalchemy import select

from mingus.db import Unit
from mingus.db import upsert
from mingus.money import Currency
from mingus.plaid import productwire as said
from mingus.plaid.ledger import QuarantinedRow
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.products import Holding
from mingus.plaid.products import InvestmentTransaction
from mingus.plaid.products import Liability
from mingus.plaid.products import OfAccount
from mingus.plaid.products import ProductRefresh
from mingus.plaid.products import RecurringStream
from mingus.plaid.products import Security
from mingus.plaid.synced import UnreadableRow
from mingus.plaid.wire import UnreadableAnswer

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from collections.abc import Iterable
    from collections.abc import Sequence

    import msgspec
    from sqlalchemy import ColumnElement

Rows = dict[tuple[object, ...], dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class Found:
    """The rows of one reading, still as Plaid wrote them."""

    rows: list[tuple[str, msgspec.Raw]] = field(default_factory=list)  # with the list that each came in
    securities: list[msgspec.Raw] = field(default_factory=list)


class ProductWriter:
    """Writes one reading of one product of one connection."""

    def __init__(
        self,
        unit: Unit,
        connection: PlaidConnection,
        refresh: ProductRefresh,
        *,
        now: dt.datetime,
        new_id: Callable[[str], str],
    ) -> None:
        self._session = unit.session
        self._connection = connection
        self._refresh = refresh
        self._now = now
        self._new_id = new_id
        self._aside: dict[str, UnreadableRow] = {}
        self._accounts = {
            account.plaid_account_id: account
            for account in unit.session.scalars(
                select(PlaidAccount).where(PlaidAccount.connection_id == connection.id)
            )
        }

    def liabilities(self, found: Found) -> None:
        def facts(kind: str, row: said.WireLiability) -> dict[str, Any]:
            return said.liability_facts(row, kind, Currency(self._accounts[row.account_id].currency))

        rows = self._collect(found.rows, said.WireLiability, "lia", ("account_id", "kind"), facts)
        self._replace(Liability, rows, key=("account_id", "kind"))

    def holdings(self, found: Found) -> None:
        seen: Counter[tuple[str, str]] = Counter()

        def facts(_kind: str, row: said.WireHolding) -> dict[str, Any]:
            listed = (row.account_id, row.security_id)
            seen[listed] += 1
            return {**said.holding_facts(row), "place": seen[listed] - 1}

        key = ("account_id", "plaid_security_id", "place")
        self._securities(found.securities)
        self._replace(Holding, self._collect(found.rows, said.WireHolding, "hld", key, facts), key=key)

    def movements(self, found: Found, *, since: dt.date, until: dt.date) -> None:
        """The movements of a span of days; those of other days stay as they are."""
        key = ("connection_id", "plaid_investment_id")
        rows = self._collect(
            found.rows, said.WireMovement, "inv", key, lambda _kind, row: said.movement_facts(row)
        )
        self._securities(found.securities)
        span = InvestmentTransaction.date.between(since, until)
        self._replace(InvestmentTransaction, rows, key=key, among=(span,))

    def streams(self, found: Found) -> None:
        def facts(kind: str, row: said.WireStream) -> dict[str, Any]:
            return said.stream_facts(row, is_income=kind == "inflow")

        key = ("connection_id", "plaid_stream_id")
        self._replace(RecurringStream, self._collect(found.rows, said.WireStream, "rec", key, facts), key=key)

    def finish(self) -> int:
        """Keep what could not be understood, forget what an earlier reading set aside; how many rows there are."""
        self._session.execute(delete(QuarantinedRow).where(QuarantinedRow.sync_id == self._refresh.id))
        kept = [
            {
                "id": self._new_id("qrt"),
                "connection_id": self._connection.id,
                "fingerprint": row.fingerprint,
                "raw": row.raw,
                "reason": f"{self._refresh.product}: {row.reason}"[:200],
                "sync_id": self._refresh.id,
                "of_cursor": None,
                "at": self._now,
            }
            for row in self._aside.values()
        ]
        upsert(self._session, QuarantinedRow, kept, key=["connection_id", "fingerprint"], keep=["id"])
        return len(kept)

    def clear(self, model: type[OfAccount]) -> None:
        """Forget all rows of a kind: the bank says that there are none."""
        self._session.execute(delete(model).where(model.connection_id == self._connection.id))

    def _collect(
        self,
        rows: Iterable[tuple[str, msgspec.Raw]],
        kind: type[said.Row],
        id_kind: str,
        key: Sequence[str],
        facts: Callable[[str, said.Row], dict[str, Any]],
    ) -> Rows:
        """The rows that can be understood, by their key; the rest is set aside."""
        good: Rows = {}
        for listed, raw in rows:
            row = said.read(raw, kind)
            if isinstance(row, UnreadableRow):
                self._set_aside(row)
                continue
            account = self._accounts.get(row.account_id)  # type: ignore[attr-defined]  # each kind has one
            if account is None:
                self._set_aside(UnreadableRow(raw=said.text_of(raw), reason="its account is not known"))
                continue
            try:
                found = {
                    **facts(listed, row),
                    "connection_id": self._connection.id,
                    "account_id": account.id,
                    "user_id": self._connection.user_id,
                }
            except UnreadableAnswer as err:
                self._set_aside(UnreadableRow(raw=said.text_of(raw), reason=str(err)[:200]))
                continue
            found |= {"id": self._new_id(id_kind), "raw": said.text_of(raw), "read_at": self._now}
            good[tuple(found[name] for name in key)] = {**found, "reading": self._refresh.fence}
        return good

    def _securities(self, rows: Iterable[msgspec.Raw]) -> None:
        good: dict[str, dict[str, Any]] = {}
        for raw in rows:
            row = said.read(raw, said.WireSecurity)
            if isinstance(row, UnreadableRow):
                self._set_aside(row)
                continue
            try:
                facts = said.security_facts(row)
            except UnreadableAnswer as err:
                self._set_aside(UnreadableRow(raw=said.text_of(raw), reason=str(err)[:200]))
                continue
            good[facts["plaid_security_id"]] = {
                **facts,
                "id": self._new_id("sec"),
                "connection_id": self._connection.id,
                "raw": said.text_of(raw),
                "read_at": self._now,
            }
        key = ["connection_id", "plaid_security_id"]
        upsert(self._session, Security, list(good.values()), key=key, keep=["id"])

    def _replace(
        self,
        model: type[OfAccount],
        rows: Rows,
        *,
        key: Sequence[str],
        among: Sequence[ColumnElement[bool]] = (),
    ) -> None:
        upsert(self._session, model, list(rows.values()), key=key, keep=["id"])
        mine = model.connection_id == self._connection.id
        self._session.execute(delete(model).where(mine, model.reading < self._refresh.fence, *among))

    def _set_aside(self, row: UnreadableRow) -> None:
        self._aside[row.fingerprint] = row
