"""Another member asks for each of Ada's rows in every way: it is as if they were not there, and none is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import factories
from tests.attacks import world
from tests.support.browser import text_of
from tests.support.routes import address

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running

# pages of rows that a bank or a person made; the rest is filled with rows that no page could show
SHOWN = {"plaid.account", "plaid.edit_account", "plaid.disconnect", "transactions.entry", "ledger_api.sync"}
pytestmark = pytest.mark.past_sums  # rows are made by the tables
BODY = {
    "name": "x",
    "email": factories.BEN,
    "history": "delete",
    "hidden": "1",
    "category": "FOOD",
    "note": "mine now",
    "amount": "1",
    "on": world.DAY,
}


def test_every_route_with_an_id_is_walked(app: Flask) -> None:
    names = {name for rule, _ in world.routes_with_ids(app) for name in rule.arguments}
    assert names - {"on"} == set(world.TABLES_OF), "tell tests/attacks/world.py where that id is looked up"


def test_another_members_rows_look_like_none(app: Flask, plaid: Running, jobs: InlineJobs) -> None:
    here = world.make_world(app, plaid, jobs)
    nobody = {name: one[:-10] + "9999999999" for name, one in here.ids.items()}
    browser = factories.sign_in(app, here.ben)
    before = world.rows_of(app, here.ada)
    for rule, method in world.routes_with_ids(app):
        answers = []
        for ids in (here.ids, nobody):
            headers = {"X-CSRFToken": browser.csrf_token()}
            url = address(app, rule, ids, otherwise=world.DAY)
            if rule.rule.startswith("/api/"):
                answer = browser.open(url, method=method, json={}, headers=headers)
            else:
                answer = browser.open(url, method=method, data=BODY, headers=headers)
            answers.append((answer.status_code, world.said(answer, ids)))
        (status, hers), (_, none) = answers
        assert status == 404, f"{method} {rule.rule} gave {status}"
        assert hers == none, f"{method} {rule.rule} tells that it is there"
    jobs.run_all()
    assert world.rows_of(app, here.ada) == before


def test_the_owner_sees_what_the_stranger_did_not(app: Flask, plaid: Running, jobs: InlineJobs) -> None:
    """Or the walk above would show nothing."""
    here = world.make_world(app, plaid, jobs, filled=False)
    browser = factories.sign_in(app, here.ada)
    seen = set()
    for rule, method in world.routes_with_ids(app):
        if rule.endpoint in SHOWN and method == "GET":
            assert browser.get(address(app, rule, here.ids, otherwise=world.DAY)).status_code == 200, (
                rule.rule
            )
            seen.add(rule.endpoint)
    assert seen == SHOWN


def test_lists_and_exports_of_one_hold_nothing_of_another(
    app: Flask, plaid: Running, jobs: InlineJobs
) -> None:
    here = world.make_world(app, plaid, jobs)
    browser = factories.sign_in(app, here.ben)
    for rule in app.url_map.iter_rules():
        if rule.arguments or "GET" not in (rule.methods or ()) or rule.rule.startswith("/static"):
            continue
        shown = text_of(browser.get(rule.rule)) if "zip" not in rule.rule else ""
        assert not [one for one in (here.ada, *here.ids.values()) if one in shown], rule.rule
    for kind in ("csv", "json"):
        assert here.ids["transaction_id"] not in browser.get(f"/transactions/export.{kind}").get_data(
            as_text=True
        )
    for filters in (f"account={here.ids['account_id']}", "q=' OR 1=1 --"):
        shown = browser.get(f"/transactions?{filters}").get_data(as_text=True)
        assert here.ids["transaction_id"] not in shown


def test_ids_of_another_are_no_use_in_forms_and_filters(app: Flask, plaid: Running, jobs: InlineJobs) -> None:
    here = world.make_world(app, plaid, jobs)
    browser = factories.sign_in(app, here.ben)
    before = world.rows_of(app, here.ada)
    browser.submit("/transactions/edits", ids=here.ids["transaction_id"], category="FOOD", action="category")
    browser.send_json("/api/plaid/transactions/sync", {"connection_id": here.ids["connection_id"]})
    body = {"public_token": "public-sandbox-x", "link_id": here.ids["link_id"], "metadata": {}}
    assert browser.send_json("/api/plaid/connect", body).status_code == 404
    event = {"link_id": here.ids["link_id"], "name": "OPEN", "details": {}}
    assert browser.send_json("/api/plaid/link-events", event).status_code == 404
    browser.submit("/settings/rules", account=here.ids["account_id"], text="x", category="FOOD")
    assert browser.get(f"/connect?connection={here.ids['connection_id']}").status_code == 404
    jobs.run_all()
    assert world.rows_of(app, here.ada) == before
    mine = world.rows_of(app, here.ben)
    assert not [one for rows in mine.values() for row in rows for one in here.ids.values() if one in row]
