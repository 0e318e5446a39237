"""The admin pages: figures against targets, every sync with its calls, nothing about people, nothing for others."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete

from mingus.admin import days
from mingus.admin import kpis
from mingus.admin import syncdetail
from mingus.admin import syncs
from mingus.admin.models import FigureOfDay
from mingus.admin.tallies import Measure
from mingus.auth.models import Role
from mingus.config import SecondFactor
from mingus.config import Settings
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.models import ConnectionChange
from mingus.plaid.models import PlaidCall
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent
from tests import factories
from tests.factories import CLEO
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.browser import text_of
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.admin.kpis import Kpi
    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.plaid.models import ConnectionId
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

DAY = dt.timedelta(days=1)


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def bank(wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId) -> Bank:
    return Bank(wired, plaid, jobs, ada)


@pytest.fixture
def cleo(app: Flask) -> Browser:
    return factories.sign_in(app, factories.make_person(app, CLEO, role=Role.ADMIN))


def add(*rows: object) -> None:
    with unit_of_work() as unit:
        unit.session.add_all(rows)


def webhook(
    wired: Services, state: EventState, *, at: dt.datetime | None = None, **more: object
) -> WebhookEvent:
    now = at or wired.ambient.now()
    name = wired.ambient.new_id("wh")
    return WebhookEvent(
        **{
            "id": name,
            "meaning": name,
            "body": b"{}",
            "headers": {},
            "key_id": "key",
            "signed_at": now,
            "webhook_type": "TRANSACTIONS",
            "webhook_code": "SYNC_UPDATES_AVAILABLE",
            "state": state.value,
            "first_seen_at": now,
            "last_seen_at": now,
            **more,
        }
    )


def call(
    wired: Services, *, milliseconds: int, status: int | None = 200, error: str | None = None
) -> PlaidCall:
    return PlaidCall(
        id=wired.ambient.new_id("call"),
        at=wired.ambient.now(),
        endpoint="/item/get",
        status=status,
        milliseconds=milliseconds,
        error_code=error,
    )


def figures(wired: Services, span: dt.timedelta = DAY) -> dict[Measure, Kpi]:
    found = kpis.kpis(environment="simulator", now=wired.ambient.now(), span=span)
    return {kpi.measure: kpi for kpi in found}


# who may look


def test_for_others_no_admin_page_exists(app: Flask, ada: UserId) -> None:
    member = factories.sign_in(app, ada)
    walked = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("admin."):
            url = app.url_map.bind("localhost").build(rule.endpoint, dict.fromkeys(rule.arguments, "x"))
            for method in (rule.methods or set()) & {"GET", "POST"}:
                answer = member.submit(url) if method == "POST" else member.get(url)
                assert answer.status_code == 404, f"{method} {url} gave {answer.status_code}"
                walked += 1
    assert walked >= 3
    assert 'href="/admin"' not in member.get("/accounts").get_data(as_text=True)


def test_no_admin_page_opens_without_a_second_factor_where_admins_need_one(
    app: Flask, cleo: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "second_factor", SecondFactor.ADMINS)
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("admin."):
            url = app.url_map.bind("localhost").build(rule.endpoint, dict.fromkeys(rule.arguments, "x"))
            answer = cleo.submit(url) if "POST" in (rule.methods or ()) else cleo.get(url)
            assert answer.location == "/settings/security", rule.rule


def test_an_admin_finds_the_pages(cleo: Browser) -> None:
    assert 'href="/admin"' in cleo.get("/accounts").get_data(as_text=True)
    for url in ("/admin", "/admin?period=7d", "/admin?period=30d", "/admin/syncs"):
        assert cleo.get(url).status_code == 200, url


@pytest.mark.parametrize("url", ["?period=1y", "/syncs?status=odd", "/syncs?trigger=odd", "/syncs/sync_x"])
def test_what_nobody_knows_is_not_there(cleo: Browser, url: str) -> None:
    assert cleo.get(f"/admin{url}").status_code == 404


# figures


def test_without_events_nothing_is_met_or_missed(wired: Services, cleo: Browser) -> None:
    assert {kpi.met for kpi in figures(wired).values()} == {None}
    assert text_of(cleo.get("/admin")).count("No data") == 6


def test_calls_and_webhooks_are_counted_as_the_page_says(wired: Services) -> None:
    add(*(call(wired, milliseconds=100) for _ in range(8)))
    add(call(wired, milliseconds=300, status=400, error="INVALID_FIELD"))
    add(call(wired, milliseconds=60_000, status=None, error="NO_ANSWER"))
    states = [EventState.HANDLED] * 3 + [EventState.PARKED, EventState.WAITING, EventState.REFUSED]
    add(*(webhook(wired, state) for state in states))
    found = figures(wired)
    assert (found[Measure.CALLS].value, found[Measure.CALLS].met) == (0.2, False)
    assert found[Measure.RESPONSE].value == pytest.approx((8 * 100 + 300) / 9)
    assert found[Measure.RESPONSE].met
    assert (found[Measure.WEBHOOKS].counted, found[Measure.WEBHOOKS].of) == (3, 4)


def test_connecting_syncs_and_sign_ins_follow_what_happened(
    bank: Bank, wired: Services, ambient: FrozenAmbient, cleo: Browser
) -> None:
    found = figures(wired)
    assert (found[Measure.CONNECTING].value, found[Measure.SYNCS].value) == (1, 1)
    assert (found[Measure.SIGN_INS].value, found[Measure.SIGN_INS].met) == (0, True)
    break_calls(bank.plaid, "error", "/transactions/sync", code="INSTITUTION_DOWN")
    bank.sync()
    mend_calls(bank.plaid)
    bank.do("break_login")
    ambient.advance(minutes=10)
    bank.sync()
    found = figures(wired)
    assert (found[Measure.SYNCS].counted, found[Measure.SYNCS].of) == (1, 3)
    assert (found[Measure.SIGN_INS].value, found[Measure.SIGN_INS].met) == (1, False)
    assert "Not met" in text_of(cleo.get("/admin"))
    ambient.advance(days=2)
    assert figures(wired)[Measure.SYNCS].value is None
    assert figures(wired, 7 * DAY)[Measure.SYNCS].of == 3
    assert figures(wired)[Measure.SIGN_INS].value == 1


def test_each_day_has_its_figure_beside_the_target(
    app: Flask, bank: Bank, wired: Services, ambient: FrozenAmbient
) -> None:
    add(call(wired, milliseconds=900), webhook(wired, EventState.HANDLED))
    ambient.advance(days=2)
    add(call(wired, milliseconds=100), webhook(wired, EventState.PARKED))
    bank.sync()
    found = kpis.by_day(environment="simulator", now=ambient.now())
    assert [one.value for one in found[Measure.WEBHOOKS]] == [1, 0]
    assert [one.value for one in found[Measure.SYNCS]] == [1, 1]
    assert found[Measure.SYNCS][1].day - found[Measure.SYNCS][0].day == 2 * DAY
    assert len(found[Measure.RESPONSE]) == 2
    assert len(found[Measure.CONNECTING]) == 1
    page = factories.sign_in(app, factories.make_person(app, CLEO, role=Role.ADMIN)).get("/admin")
    assert "Missed on 1 of 2 days." in text_of(page)


def everything(wired: Services) -> list[object]:
    """All figures over each span, and by day."""
    now = wired.ambient.now()
    by_day = kpis.by_day(environment="simulator", now=now)
    return [by_day, *(figures(wired, days * DAY) for days in (1, 7, 30))]


def test_closed_days_tell_what_counting_them_told(
    bank: Bank, wired: Services, ambient: FrozenAmbient, query_count: list[str]
) -> None:
    for day in range(12):
        add(call(wired, milliseconds=100 + day), call(wired, milliseconds=5, status=400, error="X"))
        add(webhook(wired, EventState.HANDLED if day % 3 else EventState.PARKED))
        if day == 4:
            add(change(wired, bank, before="healthy"))
        bank.sync()
        ambient.advance(hours=22)
    before = everything(wired)
    wired.day_figures.close_days()
    query_count.clear()
    assert everything(wired) == before
    assert any("kpi_days" in statement for statement in query_count)
    with unit_of_work() as unit:  # what is closed is not counted again
        unit.session.execute(delete(PlaidCall).where(PlaidCall.at < ambient.now() - 4 * DAY))
    assert everything(wired)[0] == before[0]
    wired.day_figures.close_days()
    assert everything(wired)[0] == before[0]


def test_what_ends_late_is_counted_with_the_day_it_began(wired: Services, ambient: FrozenAmbient) -> None:
    def lately() -> list[float]:
        found = kpis.by_day(environment="simulator", now=ambient.now())
        return [one.value for one in found[Measure.WEBHOOKS]]

    wired.day_figures.close_days()
    today = ambient.now().date()
    assert days.closed("simulator", today - 5 * DAY)[1] == today
    add(webhook(wired, EventState.PARKED, at=ambient.now() - DAY))
    assert lately() == []
    wired.day_figures.close_days()
    assert lately() == [0]


def test_a_gap_in_the_closed_days_is_counted(wired: Services, ambient: FrozenAmbient) -> None:
    wired.day_figures.close_days()
    today = ambient.now().date()
    gap = today - 10 * DAY
    with unit_of_work() as unit:
        unit.session.execute(delete(FigureOfDay).where(FigureOfDay.day == gap))
    add(webhook(wired, EventState.HANDLED, at=ambient.now() - 10 * DAY))
    assert days.closed("simulator", today - 20 * DAY)[1] == gap
    assert figures(wired, 30 * DAY)[Measure.WEBHOOKS].of == 1


def test_new_sign_ins_are_drawn_by_the_month_up_to_each_day(
    app: Flask, bank: Bank, wired: Services, ambient: FrozenAmbient
) -> None:
    ambient.advance(days=1)
    add(change(wired, bank, before="healthy"))
    ambient.advance(days=2)
    line = kpis.by_day(environment="simulator", now=ambient.now())[Measure.SIGN_INS]
    assert [one.value for one in line] == [0, 1, 1, 1]
    cleo = factories.sign_in(app, factories.make_person(app, CLEO, role=Role.ADMIN))
    assert "kpi-sign_ins" in cleo.get("/admin").get_data(as_text=True)


def change(wired: Services, bank: Bank, *, before: str) -> ConnectionChange:
    return ConnectionChange(
        id=wired.ambient.new_id("chg"),
        connection_id=bank.connection_id,
        at=wired.ambient.now(),
        before=before,
        after="needs_sign_in",
        cause="check",
    )


def test_staying_signed_out_is_one_new_sign_in(bank: Bank, wired: Services) -> None:
    add(*(change(wired, bank, before="needs_sign_in") for _ in range(2)))
    assert figures(wired)[Measure.SIGN_INS].value == 0


# syncs


def failed(wired: Services, connection_id: ConnectionId, owner: UserId, code: str) -> PlaidSyncLog:
    now = wired.ambient.now()
    return PlaidSyncLog(
        id=wired.ambient.new_id("sync"),
        connection_id=connection_id,
        user_id=owner,
        trigger="schedule",
        status="failed",
        requested_at=now,
        started_at=now,
        finished_at=now,
        error_code=code,
    )


def test_failures_are_grouped_by_error(
    bank: Bank, ada: UserId, wired: Services, ambient: FrozenAmbient, cleo: Browser
) -> None:
    first = ambient.now()
    for code in ("RATE_LIMIT_EXCEEDED", "INSTITUTION_DOWN", "INSTITUTION_DOWN"):
        add(failed(wired, bank.connection_id, ada, code))
        ambient.advance(minutes=5)
    [often, once] = syncs.failures(first)
    assert (often.error_code, often.times, often.connections) == ("INSTITUTION_DOWN", 2, 1)
    assert often.last_at - often.first_at == dt.timedelta(minutes=5)
    assert (once.error_code, once.first_at) == ("RATE_LIMIT_EXCEEDED", first)
    page = text_of(cleo.get("/admin/syncs"))
    assert "Failures of 30 days" in page
    assert "INSTITUTION_DOWN" in page
    assert "Failures of 30 days" not in text_of(cleo.get("/admin/syncs?status=failed"))


def test_filters_are_chips_that_each_take_themselves_away(
    bank: Bank, ada: UserId, wired: Services, cleo: Browser
) -> None:
    add(failed(wired, bank.connection_id, ada, "INSTITUTION_DOWN"))
    page = cleo.get("/admin/syncs?status=failed&trigger=schedule&error=INSTITUTION_DOWN&after=").get_data(
        as_text=True
    )
    assert page.count('href="/admin/syncs/sync_') == 1
    assert 'class="chip" href="/admin/syncs?trigger=schedule&amp;error=INSTITUTION_DOWN"' in page
    assert 'class="chip" href="/admin/syncs?status=failed&amp;error=INSTITUTION_DOWN"' in page
    assert 'class="chip" href="/admin/syncs?status=failed&amp;trigger=schedule"' in page
    assert "No syncs here" in text_of(cleo.get("/admin/syncs?status=failed&trigger=person"))


def test_older_syncs_follow_by_key_each_once(bank: Bank, ada: UserId, wired: Services) -> None:
    add(*(failed(wired, bank.connection_id, ada, "INTERNAL") for _ in range(5)))  # all at one instant
    seen, after = [], None
    while True:
        found = syncs.page(syncs.Filters(status=SyncStatus.FAILED), limit=2, after=after)
        seen += [row.id for row in found.rows]
        after = found.next
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


def test_a_key_that_is_gone_ends_the_list(cleo: Browser, bank: Bank) -> None:
    assert "No syncs here" in text_of(cleo.get("/admin/syncs?after=sync_0"))


def test_a_sync_shows_its_calls_and_no_person(
    bank: Bank, ada: UserId, wired: Services, cleo: Browser
) -> None:
    break_calls(bank.plaid, "error", "/transactions/sync", code="INSTITUTION_DOWN")
    log = bank.sync()
    add(webhook(wired, EventState.HANDLED, connection_id=bank.connection_id, sync_id=log.id))
    answer = cleo.get(f"/admin/syncs/{log.id}")
    page = text_of(answer)
    assert log.error_request_id is not None
    assert f'data-copy="{log.error_request_id}"' in answer.get_data(as_text=True)
    for word in ("/transactions/sync", "INSTITUTION_DOWN", ada, bank.connection_id, "SYNC_UPDATES_AVAILABLE"):
        assert word in page, word
    everything = page + text_of(cleo.get("/admin/syncs")) + text_of(cleo.get("/admin"))
    for word in (factories.ADA, ">Ada<", "Plaid Checking", "$"):
        assert word not in everything, word


def test_calls_of_other_times_and_connections_are_not_its(
    bank: Bank, ambient: FrozenAmbient, wired: Services
) -> None:
    ambient.advance(hours=1)
    log = bank.sync()
    ambient.advance(hours=1)
    add(call(wired, milliseconds=1))
    bank.sync()
    found = syncdetail.detail(log.id, now=ambient.now())
    assert found is not None
    assert found.calls
    assert {row.at for row in found.calls} == {log.started_at}
    assert found.cursor_before == found.cursor_after
    assert found.webhooks == ()
