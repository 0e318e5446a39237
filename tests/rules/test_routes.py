"""Every page turns an anonymous visitor away unless it is public; every change needs a token; no GET changes a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mingus import tables
from mingus.auth.models import AuthSession
from mingus.db import db
from mingus.web.access import PUBLIC
from tests import factories
from tests.support.routes import CHANGING
from tests.support.routes import READING
from tests.support.routes import address
from tests.support.routes import walk

if TYPE_CHECKING:
    from flask import Flask

    from tests.support.browser import Browser

SIGNED = {
    "webhooks.receive": 401,
    "browser_reports.receive": 415,
}  # Plaid signs instead, and tests/functional/test_webhook_endpoint.py forges


def snapshot(app: Flask) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table; when a session was last seen is bookkeeping of the guard, not a change."""
    with app.app_context():
        found = {}
        for table in tables.metadata().sorted_tables:
            columns = [
                column for column in table.columns if column is not AuthSession.__table__.c.last_seen_at
            ]
            rows = db.session.execute(db.select(*columns)).all()
            if table.name in {"webhook_refusals", "audit_events", "audit_heads", "throttles"}:
                continue  # what was turned away or taken out is told of and counted, and nothing else changes
            found[table.name] = sorted((tuple(row) for row in rows), key=repr)
        return found


def test_every_page_but_the_public_ones_turns_a_visitor_away(app: Flask, browser: Browser) -> None:
    for rule, _ in walk(app, READING):
        if rule.endpoint in PUBLIC:
            continue
        url = address(app, rule)
        answer = browser.get(url)
        assert answer.status_code in {303, 401}, f"{url} gave {answer.status_code}"


def test_every_change_needs_a_token(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    before = snapshot(app)
    for rule, method in walk(app, CHANGING):
        url = address(app, rule)
        answer = browser.open(url, method=method, data={"password": "x"})
        assert answer.status_code == SIGNED.get(rule.endpoint, 400), (
            f"{method} {url} gave {answer.status_code}"
        )
    assert snapshot(app) == before


def test_a_forged_token_changes_nothing(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    stranger = factories.sign_in(app, factories.make_person(app, factories.BEN))
    before = snapshot(app)
    for token in ("", "x", stranger.csrf_token(), browser.csrf_token()[:-1]):
        answer = browser.post("/settings/devices/revoke-others", data={"csrf_token": token})
        assert answer.status_code == 400
    assert snapshot(app) == before


def test_no_get_changes_a_row(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    before = snapshot(app)
    for rule, _ in walk(app, READING):
        browser.get(address(app, rule))
        browser.head(address(app, rule))
    assert snapshot(app) == before
