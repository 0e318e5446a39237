"""The admin's list of syncs and overview over very many of them: each way of narrowing, and figures of a month."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import text

from bench.goals import Goal
from bench.ground import databases
from bench.ground import make_person
from bench.ground import median
from bench.ground import open_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from mingus.auth.models import UserId
    from mingus.plaid.ledger import SyncId

GOALS = (
    *(Goal(f"{kind}.slowest_ms", at_most=1000) for kind in ("sqlite", "postgresql")),
    *(Goal(f"{kind}.plain_ms", at_most=100) for kind in ("sqlite", "postgresql")),
    *(Goal(f"{kind}.overview_ms", at_most=1000) for kind in ("sqlite", "postgresql")),
)
SHORT, LONG = 200_000, 10_000_000
CONNECTIONS = 2000
TRIES = 5
SECONDS_A_YEAR = 365 * 86_400
NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})",
    "postgresql": "WITH numbers AS (SELECT n FROM generate_series(1, {count}) AS series(n))",
}
INSTANT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', '{start}', ({seconds}) || ' seconds')",
    "postgresql": "TIMESTAMPTZ '{start}+00' + ({seconds}) * INTERVAL '1 second'",
}


def measure(*, long: bool) -> dict[str, Any]:
    count = LONG if long else SHORT
    found: dict[str, Any] = {"logs": count}
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as made:
        for kind in made.kinds:
            # an address that nobody listens at: nothing is asked of Plaid here
            app = open_app("http://127.0.0.1:9", made.fresh(kind), Path(folder))
            with app.app_context():
                found[kind] = _measured(kind, count)
    return found


def _measured(kind: str, count: int) -> dict[str, float]:
    from mingus.admin import institutions
    from mingus.admin import syncs
    from mingus.admin.syncs import Filters
    from mingus.ambient import SystemAmbient
    from mingus.plaid.ledger import SyncId
    from mingus.plaid.ledger import SyncStatus
    from mingus.plaid.ledger import Trigger

    now = SystemAmbient().now()
    person = make_person()
    _seed(kind, count, person, now)
    middle, last = SyncId(f"sync_{count // 2:012d}"), SyncId(f"sync_{count - CONNECTIONS:012d}")
    asked: Mapping[str, Filters] = {
        "plain": Filters(),
        "failed": Filters(status=SyncStatus.FAILED),
        "rare_error": Filters(error="RARE"),
        "person": Filters(user_id=person),
        "rare_trigger": Filters(trigger=Trigger.OPERATOR),
        "common_bank": Filters(institution_id="ins_0"),
        "rare_bank": Filters(institution_id="ins_rare"),
        "common_bank_failed": Filters(institution_id="ins_0", status=SyncStatus.FAILED),
        "slow": Filters(longer_than=dt.timedelta(seconds=600)),
        "a_week_last_winter": Filters(since=now - dt.timedelta(days=200), until=now - dt.timedelta(days=193)),
    }
    ways: dict[str, Callable[[], object]] = {
        name: lambda filters=filters: syncs.page(filters, limit=50)  # type: ignore[misc]  # bound in the loop
        for name, filters in asked.items()
    }
    ways["far_down"] = lambda: syncs.page(Filters(), limit=50, after=middle)
    ways["drill_down"] = lambda: _drill_down(last, now)
    ways["banks"] = lambda: institutions.rows(environment="simulator", now=now)
    ways["by_error"] = lambda: syncs.failures(now - dt.timedelta(days=30))
    ways["by_day"] = lambda: syncs.failures_by_day(now, 14)
    figures = {f"{name}_ms": _milliseconds(way) for name, way in ways.items()}
    return {**figures, "slowest_ms": max(figures.values()), **_overview(now)}


def _drill_down(sync_id: SyncId, now: dt.datetime) -> None:
    """What the page of one sync asks for, and the page of its rows."""
    from mingus.admin import syncdetail

    found = syncdetail.detail(sync_id, now=now)
    if found is not None:
        syncdetail.touched(found)


def _overview(now: dt.datetime) -> dict[str, float]:
    """What the overview asks for in its dearest form, before its days are closed and after."""
    from mingus.admin import kpis
    from mingus.services import services

    def ask() -> None:
        kpis.kpis(environment="simulator", now=now, span=dt.timedelta(days=30))
        kpis.by_day(environment="simulator", now=now)

    counted = _milliseconds(ask)
    begun = time.perf_counter()
    services().day_figures.close_days()
    closing = round((time.perf_counter() - begun) * 1000, 1)
    return {"overview_ms": _milliseconds(ask), "overview_uncounted_ms": counted, "closing_ms": closing}


def _milliseconds(way: Callable[[], object]) -> float:
    from mingus.db import db

    taken = []
    for _ in range(TRIES):
        db.session.rollback()
        begun = time.perf_counter()
        way()
        taken.append((time.perf_counter() - begun) * 1000)
    return round(float(median(taken)), 1)


def _seed(kind: str, count: int, person: UserId, now: dt.datetime) -> None:
    """A year of syncs of many connections at some banks, one in fifty failed; one bank has a single connection."""
    from mingus.db import db
    from mingus.db import unit_of_work
    from mingus.plaid.models import PlaidConnection

    with unit_of_work() as unit:
        unit.session.add_all(
            PlaidConnection(
                id=f"con_{number}",
                user_id=person,
                environment="simulator",
                plaid_item_id=f"item{number}",
                plaid_institution_id="ins_rare" if number == 0 else f"ins_{number % 2 * (number % 20)}",
                institution_name="Bank",
                state="healthy",
                state_since=now,
                products=[],
                created_at=now,
            )
            for number in range(CONNECTIONS)
        )
    start = (now - dt.timedelta(days=365)).strftime("%Y-%m-%d %H:%M:%S")
    seconds = f"CAST(n AS BIGINT) * {SECONDS_A_YEAR} / {count}"
    at = INSTANT[kind].format(start=start, seconds=seconds)
    lasting = "CASE WHEN n % 20000 = 7 THEN 900 ELSE 2 END"
    end = INSTANT[kind].format(start=start, seconds=f"{seconds} + {lasting}")
    name = "printf('%012d', n)" if kind == "sqlite" else "lpad(CAST(n AS TEXT), 12, '0')"
    with db.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO plaid_sync_logs (id, connection_id, user_id, trigger, status, requested_at,"
                " started_at, finished_at, pages, restarts, added, modified, removed, parked, quarantined, fetched,"
                f" error_code) {NUMBERS[kind].format(count=count)}"
                f" SELECT 'sync_' || {name}, 'con_' || (n % {CONNECTIONS}), '{person}',"
                " CASE WHEN n % 50000 = 3 THEN 'operator' ELSE 'schedule' END,"
                f" CASE WHEN n % 50 = 1 THEN 'failed' ELSE 'success' END, {at}, {at}, {end},"
                " 1, 0, 0, 0, 0, 0, 0, 0,"
                " CASE WHEN n % 100000 = 51 THEN 'RARE' WHEN n % 50 = 1 THEN 'INSTITUTION_DOWN' END FROM numbers"
            )
        )
        _seed_month(connection, kind, count, now)
        connection.execute(text("ANALYZE"))


def _seed_month(connection: Connection, kind: str, count: int, now: dt.datetime) -> None:
    """The calls and webhooks that are kept of the last month: two calls for each sync, a webhook for each fourth."""
    start = (now - dt.timedelta(days=30)).strftime("%Y-%m-%d %H:%M:%S")
    name = "printf('%012d', n)" if kind == "sqlite" else "lpad(CAST(n AS TEXT), 12, '0')"
    calls, webhooks = count * 2 * 30 // 365, count * 30 // 365 // 4
    at = INSTANT[kind].format(start=start, seconds=f"CAST(n AS BIGINT) * {30 * 86_400} / {calls}")
    connection.execute(
        text(
            "INSERT INTO plaid_calls (id, at, endpoint, connection_id, status, milliseconds, error_code)"
            f" {NUMBERS[kind].format(count=calls)}"
            f" SELECT 'call_' || {name}, {at}, '/transactions/sync', 'con_' || (n % {CONNECTIONS}), 200, 120,"
            " CASE WHEN n % 200 = 3 THEN 'INSTITUTION_DOWN' END FROM numbers"
        )
    )
    at = INSTANT[kind].format(start=start, seconds=f"CAST(n AS BIGINT) * {30 * 86_400} / {webhooks}")
    body = "X'7B7D'" if kind == "sqlite" else r"'\x7b7d'::bytea"
    connection.execute(
        text(
            "INSERT INTO webhook_events (id, meaning, body, headers, key_id, signed_at, webhook_type, webhook_code,"
            " state, times_seen, attempts, first_seen_at, last_seen_at)"
            f" {NUMBERS[kind].format(count=webhooks)}"
            f" SELECT 'wh_' || {name}, 'wh_' || {name}, {body}, '{{}}', 'key', {at}, 'TRANSACTIONS',"
            f" 'SYNC_UPDATES_AVAILABLE', 'handled', 1, 1, {at}, {at} FROM numbers"
        )
    )
