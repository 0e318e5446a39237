"""A bank that keeps changing, and a person who keeps deciding, by the dice of one seed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any

import urllib3
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy.orm import aliased

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import Staging
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.ledger import TransactionId
from mingus.plaid.models import PlaidAccount
from tests.support.ledger import Row
from tests.support.ledger import row_of
from tests.support.ledger import stored

if TYPE_CHECKING:
    from random import Random

CREDENTIALS = {"client_id": "simulator", "secret": "simulator"}
BANK = "ins_109508"


class World:
    """One item at the simulated Plaid, reached as anybody reaches it."""

    def __init__(self, host: str, dice: Random) -> None:
        self._host = host
        self._dice = dice
        self._http = urllib3.PoolManager()
        self.item = ""
        self.edits: dict[TransactionId, str] = {}  # what the person noted, by transaction

    def tell(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self._http.request("POST", f"{self._host}{path}", json=body, timeout=30)
        found: dict[str, Any] = answer.json()
        return found

    def ask(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self._http.request("GET", f"{self._host}{path}", timeout=60).data, parse_float=str
        )
        return found

    def public_token(self, username: str) -> str:
        answer = self.tell(
            "/sandbox/public_token/create",
            **CREDENTIALS,
            institution_id=BANK,
            initial_products=["transactions"],
            options={"override_username": username},
        )
        return str(answer["public_token"])

    def turn(self, rounds: int) -> None:
        """Let some things happen at the bank."""
        for _ in range(rounds):
            action = self._dice.choice(
                ("spend", "spend", "spend", "get_paid", "post", "change", "remove", "burst")
            )
            if action == "spend":
                self._do("spend", amount=self._dice.randint(1, 50_000) / 100)
            elif action == "get_paid":
                self._do("get_paid", amount=self._dice.randint(100, 900_000) / 100)
            elif action == "post":
                self._do("post_pending")
            elif action == "burst":
                self._do("burst", times=self._dice.choice((1, 10, 200)))
            else:
                self._with_any(action)

    def truth(self) -> dict[str, Row]:
        """What a client that missed nothing would have."""
        rows = self.ask(f"/control/items/{self.item}/truth")["transactions"]
        return {row["transaction_id"]: row_of(row) for row in rows}

    def decide(self, connection_id: str) -> None:
        """The person notes something on a pending transaction, or on any."""
        live = (PlaidTransaction.connection_id == connection_id, PlaidTransaction.removed_at.is_(None))
        ids = db.session.scalars(
            select(PlaidTransaction.id)
            .where(*live)
            .order_by(PlaidTransaction.pending.desc(), PlaidTransaction.id)
        ).all()
        if not ids:
            return
        row_id = self._dice.choice(ids[:40])
        note = f"note {self._dice.random()}"
        with unit_of_work() as unit:
            choice = unit.session.get(TransactionChoice, row_id)
            if choice is None:
                owner = unit.session.get_one(PlaidTransaction, row_id).user_id
                choice = TransactionChoice(transaction_id=row_id, user_id=owner, tags=[], hidden=False)
                unit.session.add(choice)
            choice.notes = note
        self.edits[row_id] = note

    def _do(self, action: str, **arguments: Any) -> None:
        self.tell(f"/control/items/{self.item}/do/{action}", **arguments)

    def _with_any(self, action: str) -> None:
        rows = self.ask(f"/control/items/{self.item}/truth")["transactions"]
        if not rows:
            return
        chosen = self._dice.choice(rows)["transaction_id"]
        if action == "change":
            self._do("change", transaction_id=chosen, amount=self._dice.randint(1, 90_000) / 100)
        else:
            self._do("remove_transaction", transaction_id=chosen)


def losses(world: World, connection_id: str) -> dict[str, int]:
    """What is wrong with the ledger when it should equal the truth: nothing, if all is well."""
    is_stored, is_true = stored(connection_id), world.truth()
    db.session.rollback()
    notes = {
        row.transaction_id: row.notes
        for row in db.session.scalars(
            select(TransactionChoice).where(TransactionChoice.transaction_id.in_(list(world.edits)))
        )
    }
    older = aliased(PlaidTransaction)
    split = (
        select(func.count())
        .select_from(PlaidTransaction)
        .join(older, older.plaid_transaction_id == PlaidTransaction.pending_plaid_id)
        .where(PlaidTransaction.connection_id == connection_id, older.connection_id == connection_id)
    )
    lasting = (
        select(func.count()).select_from(PlaidAccount).where(PlaidAccount.connection_id == connection_id)
    )
    half = select(func.count()).select_from(Staging).where(Staging.connection_id == connection_id)
    found = {
        "lost": len(is_true.keys() - is_stored.keys()),
        "revived": len(is_stored.keys() - is_true.keys()),
        "stale": sum(is_stored[key] != is_true[key] for key in is_stored.keys() & is_true.keys()),
        "doubled": db.session.scalar(split) or 0,
        "edits_lost": sum(notes.get(row_id) != note for row_id, note in world.edits.items()),
        "half_there": db.session.scalar(half) or 0,
        "without_accounts": int(not db.session.scalar(lasting)),
    }
    db.session.rollback()
    return {name: count for name, count in found.items() if count}
