"""Whether Plaid's API file is here to judge, and whether it would notice anything."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.simulator.wsgi import Application
from tests.simulator import apifile

if TYPE_CHECKING:
    from tests.simulator.judged import Running

needs_file = pytest.mark.skipif(
    apifile.path() is None,
    reason="Plaid's API file is not here (../shared/plaid/ or PLAID_API_FILE): answers are not judged by it",
)


@needs_file
def test_the_api_file_judges_every_endpoint(simulator: Running) -> None:
    app = Application(simulator.sim)
    strangers = [path for path in app._endpoints if apifile.answer_problems(path, 200, {}) == []]
    assert strangers == []


@needs_file
def test_the_api_file_notices_what_is_wrong(simulator: Running) -> None:
    page = simulator.ok("/transactions/sync", {"access_token": simulator.link("user_household")})
    assert apifile.answer_problems("/transactions/sync", 200, page) == []
    row, account = page["added"][0], page["accounts"][0]
    for wrong in (
        {"next_cursor": None},
        {"has_more": "no"},
        {"added": [{**row, "date": "yesterday"}]},
        {"added": [{**row, "amount": "5"}]},
        {"added": [{**row, "location": {}}]},
        {"added": [{**row, "counterparties": None}]},
        {"accounts": [{key: value for key, value in account.items() if key != "mask"}]},
    ):
        spoilt: dict[str, Any] = {**page, **wrong}
        assert apifile.answer_problems("/transactions/sync", 200, spoilt) != []


@needs_file
def test_the_api_file_notices_a_wrong_webhook() -> None:
    webhook = {
        "webhook_type": "TRANSACTIONS",
        "webhook_code": "SYNC_UPDATES_AVAILABLE",
        "item_id": "i",
        "initial_update_complete": True,
        "historical_update_complete": False,
        "environment": "sandbox",
    }
    assert apifile.webhook_problems(webhook) == []
    assert apifile.webhook_problems({**webhook, "initial_update_complete": "yes"}) != []
