"""The narrowest phone and long words: Spanish at 320 pixels, nothing cut, nothing sideways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mingus.auth.models import User
from mingus.db import unit_of_work
from tests import factories
from tests.browser.walker import View
from tests.support.books import Desk

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.browser.walker import LiveSite
    from tests.browser.walker import Walker

pytestmark = pytest.mark.browser

PAGES = (
    "/",
    "/accounts",
    "/accounts/new",
    "/transactions",
    "/reports/cash-flow",
    "/reports/spending",
    "/settings/notifications",
    "/settings/data",
)
CUT = """[...document.querySelectorAll('.bottom-bar__label')]
  .filter((label) => label.scrollWidth > label.clientWidth + 1).map((label) => label.textContent)"""


def test_pages_hold_together_where_there_is_least_room(
    site: LiveSite, open_window: Callable[..., AbstractContextManager[Walker]]
) -> None:
    ada = factories.make_person(site.app)
    desk = Desk(site.app, ada)
    account = desk.account(name="Cuenta conjunta de toda la familia", current_minor=44_522_204_00)
    desk.transactions(
        account,
        [{"amount_minor": -1_234_567_89, "name": "UN COMERCIO DE NOMBRE MUY LARGO", "category": "TRAVEL"}]
        * 3,
    )
    with open_window(View(width=320, theme="light")) as walker:
        walker.enter(factories.ADA)
        with site.app.app_context(), unit_of_work() as unit:
            unit.lock_one(User, ada).locale = "es"
        for path in PAGES:
            walker.go(path)
            walker.approve(f"narrow{path.replace('/', '-')}")
            assert walker.page.evaluate(CUT) == []
