"""Ada with a bank and a row in every table, Ben with nothing, and what a page says whoever asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus import tables
from mingus.db import db
from mingus.exports.takeout import belongs_to
from mingus.services import services
from tests import factories
from tests.support import routes
from tests.support.connected import Bank
from tests.support.everything import fill
from tests.support.everything import owned_tables

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.routing import Rule
    from werkzeug.test import TestResponse

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running

# which table an id in an address is looked up in
TABLES_OF = {
    "account_id": "plaid_accounts",
    "category_id": "own_categories",
    "connection_id": "plaid_connections",
    "edit_id": "transaction_edits",
    "import_id": "transaction_imports",
    "link_id": "plaid_link_sessions",
    "passkey_id": "passkeys",
    "rule_id": "transaction_rules",
    "session_id": "auth_sessions",
    "sync_id": "plaid_sync_logs",
    "token_id": "api_tokens",
    "transaction_id": "plaid_transactions",
}
# one-time links are found by their secret alone; a file's kind and a day are no row's id
NO_ROWS = {"token", "kind", "filename"}
DAY = "2026-05-04"
PASSING = re.compile(r'req_\w+|value="[\w.-]{80,}"|content="[\w.-]{80,}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Whose it is, and the ids of it by the names that addresses give them."""

    ada: UserId
    ben: UserId
    ids: dict[str, str]


def make_world(app: Flask, plaid: Running, jobs: InlineJobs, *, filled: bool = True) -> World:
    ada, ben = factories.make_person(app), factories.make_person(app, factories.BEN)
    with app.app_context():
        wired = services()
        Bank(wired, plaid, jobs, ada)
        wired.factors.begin_app(ada)
        if filled:
            fill(ada)
        ids: dict[str, str] = {}
        for name, table_name in TABLES_OF.items():
            table = tables.metadata().tables[table_name]
            owned = belongs_to(table, ada)
            assert owned is not None
            found = db.session.scalar(select(table.c.id).where(owned).order_by(table.c.id).limit(1))
            assert found is not None or not filled, table_name
            ids[name] = str(found)
        db.session.rollback()
    return World(ada=ada, ben=ben, ids=ids)


def routes_with_ids(app: Flask) -> list[tuple[Rule, str]]:
    """Each member's route whose address names a row, with each of its methods."""
    return [
        (rule, method)
        for rule, method in routes.walk(app)
        if rule.arguments and not rule.arguments & NO_ROWS and not rule.rule.startswith("/admin")
    ]


def said(answer: TestResponse, ids: dict[str, str]) -> str:
    """What the answer says, without what is different each time, and without the id that was asked for."""
    text = PASSING.sub("…", answer.get_data(as_text=True))
    for one in ids.values():
        text = text.replace(one, "ID")
    return f"{answer.status_code} {answer.location or ''} {text}".replace("\r", "")


def rows_of(app: Flask, person: UserId) -> dict[str, list[str]]:
    """Every row of somebody's."""
    with app.app_context():
        found = {}
        for table in owned_tables():
            owned = belongs_to(table, person)
            assert owned is not None
            found[table.name] = sorted(map(repr, db.session.execute(select(table).where(owned)).all()))
        db.session.rollback()
        return found
