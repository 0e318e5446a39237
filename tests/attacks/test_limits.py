"""What costs us or others much is limited for each person, says when to come back, and keeps nobody else out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import factories

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

BODIES = {
    "/api/plaid/link-token": {},
    "/api/plaid/connect": {"public_token": "public-sandbox-x", "link_id": "lnk_x", "metadata": {}},
    "/api/plaid/transactions/sync": {},
}


def ask(browser: Browser, path: str) -> TestResponse:
    body = BODIES.get(path)
    return browser.get(path) if body is None else browser.send_json(path, body)


@pytest.mark.parametrize(
    ("path", "times"),
    [
        ("/api/plaid/link-token", 10),
        ("/api/plaid/connect", 20),
        ("/api/plaid/transactions/sync", 5),
        ("/api/plaid/institutions/search?query=platypus", 30),
        ("/transactions/export.csv", 20),
        ("/settings/data/everything.zip", 20),
    ],
)
def test_after_so_many_a_minute_a_person_waits_and_nobody_else_does(
    app: Flask, plaid: Running, ambient: FrozenAmbient, path: str, times: int
) -> None:
    ada = factories.sign_in(app, factories.make_person(app))
    ben = factories.sign_in(app, factories.make_person(app, factories.BEN))
    told = [ask(ada, path).status_code for _ in range(times)]
    assert 429 not in told
    late = ask(ada, path)
    assert late.status_code == 429
    seconds = int(late.headers["Retry-After"])
    assert 1 <= seconds <= 60
    assert ask(ben, path).status_code == told[0]
    ambient.advance(seconds=seconds)
    assert ask(ada, path).status_code == told[0]


def test_files_of_every_kind_count_as_one(app: Flask) -> None:
    ada = factories.sign_in(app, factories.make_person(app))
    kinds = ("csv", "json", "ofx", "beancount")
    told = [ada.get(f"/transactions/export.{kinds[turn % 4]}").status_code for turn in range(20)]
    assert set(told) == {200}
    assert ada.get("/settings/data/everything.zip").status_code == 429
