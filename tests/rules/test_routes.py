"""Every page turns an anonymous visitor away unless it is public; every change needs a token; no GET changes a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mingus import tables
from mingus.auth.models import AuthSession
from mingus.db import db
from mingus.web.access import PUBLIC
from tests import factories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from werkzeug.routing import Rule

    from tests.support.browser import Browser

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
SIGNED = {
    "webhooks.receive": 401,
    "browser_reports.receive": 415,
}  # Plaid signs instead, and tests/functional/test_webhook_endpoint.py forges


def rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Each route with an address that matches it."""
    for rule in app.url_map.iter_rules():
        yield (
            rule,
            app.url_map.bind("localhost").build(
                rule.endpoint, dict.fromkeys(rule.arguments, "x"), force_external=False
            ),
        )


def snapshot(app: Flask) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table; when a session was last seen is bookkeeping of the guard, not a change."""
    with app.app_context():
        found = {}
        for table in tables.metadata().sorted_tables:
            columns = [
                column for column in table.columns if column is not AuthSession.__table__.c.last_seen_at
            ]
            rows = db.session.execute(db.select(*columns)).all()
            if table.name in {"webhook_refusals", "audit_events", "audit_heads"}:
                continue  # what was turned away or taken out is told of, and nothing else changes
            found[table.name] = sorted((tuple(row) for row in rows), key=repr)
        return found


def test_every_page_but_the_public_ones_turns_a_visitor_away(app: Flask, browser: Browser) -> None:
    for rule, url in rules(app):
        if rule.endpoint in PUBLIC or "GET" not in (rule.methods or ()):
            continue
        answer = browser.get(url)
        assert answer.status_code in {303, 401}, f"{url} gave {answer.status_code}"


def test_every_change_needs_a_token(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    before = snapshot(app)
    for rule, url in rules(app):
        for method in CHANGING & (rule.methods or set()):
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
    for rule, url in rules(app):
        if "GET" in (rule.methods or ()):
            browser.get(url)
            browser.head(url)
    assert snapshot(app) == before
