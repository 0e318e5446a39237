"""When connecting does not go straight: left, refused, blocked, offline, pressed twice, connected before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.plaid.failures import CATALOGUE
from mingus.plaid.linkstates import LinkState
from mingus.plaid.models import LinkEvent
from mingus.plaid.models import LinkSession
from tests.browser.bank_walk import BANK
from tests.browser.bank_walk import until

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.browser.bank_walk import Visitor

pytestmark = pytest.mark.browser


def reported(ada: Visitor) -> list[tuple[str, dict[str, str]]]:
    """What Link told the server so far."""
    with ada.walker.site.app.app_context():
        rows = db.session.execute(select(LinkEvent.name, LinkEvent.details).order_by(LinkEvent.id))
        return [(name, details) for name, details in rows]


def count_links(ada: Visitor) -> int:
    with ada.walker.site.app.app_context():
        return db.session.scalar(select(func.count()).select_from(LinkSession)) or 0


def connect_it_again(ada: Visitor) -> None:
    """The same bank with the same accounts, as far as the question."""
    ada.begin()
    ada.to_search()
    ada.choose(BANK)
    ada.log_in()
    ada.finish()
    ada.page.get_by_role("dialog", name="This bank is already connected").wait_for()


def test_leaving_changes_nothing_and_the_button_stays(ada: Visitor) -> None:
    ada.begin()
    ada.title("wants to read your bank data")
    ada.page.keyboard.press("Escape")
    ada.wait_for("You left before it was done")
    ada.walker.approve("connect-left")
    until(lambda: [name for name, _ in reported(ada) if name == "onExit"])
    ada.page.get_by_role("button", name="Continue").click()
    ada.title("wants to read your bank data")
    assert ada.states() == []


def test_a_refusal_says_why_with_its_reference_and_the_next_try_works(ada: Visitor) -> None:
    ada.begin()
    ada.to_search()
    ada.choose(BANK)
    ada.log_in(password="error_INSTITUTION_NOT_RESPONDING")
    ada.frame.get_by_test_id("leave").click()
    alert = ada.page.get_by_role("alert")
    alert.wait_for()
    assert "Reference" in alert.inner_text()
    assert CATALOGUE["INSTITUTION_NOT_RESPONDING"].sentence in alert.inner_text()
    ada.walker.approve("connect-refused")
    exits = until(lambda: [details for name, details in reported(ada) if name == "onExit"])
    assert exits[0]["error_code"] == "INSTITUTION_NOT_RESPONDING"
    assert exits[0]["request_id"] in alert.inner_text()
    ada.page.get_by_role("button", name="Try again").click()
    ada.to_search()
    ada.choose(BANK)
    ada.log_in()
    ada.finish()
    ada.arrive()


def test_a_session_that_ended_begins_anew(ada_at_desk: Visitor) -> None:
    ada = ada_at_desk
    ada.begin()
    ada.to_search()
    ada.choose(BANK)
    for _try in range(5):
        ada.log_in(password="wrong")
    ada.frame.get_by_test_id("leave").click()
    ada.wait_for("The session expired. Please start again.")
    ada.page.get_by_role("button", name="Try again").click()
    ada.title("wants to read your bank data")
    assert count_links(ada) == 2


def test_a_blocked_script_is_told_and_tried_anew(ada: Visitor) -> None:
    tries: list[str] = []

    def block(route: Route) -> None:
        tries.append(route.request.url)
        route.abort()

    ada.page.route("**/link-initialize.js*", block)
    ada.begin()
    ada.wait_for("did not load")
    assert len(tries) == 2
    ada.walker.approve("connect-blocked")
    ada.page.unroute("**/link-initialize.js*")
    ada.page.get_by_role("button", name="Try again").click()
    ada.title("wants to read your bank data")
    assert count_links(ada) == 1, "the waiting token is used"


def test_a_script_that_never_comes_is_given_up_in_time(ada_at_desk: Visitor) -> None:
    ada = ada_at_desk
    ada.page.clock.install()
    ada.page.route("**/link-initialize.js*", lambda _route: None)
    with ada.page.expect_request("**/link-initialize.js"):
        ada.begin()
    with ada.page.expect_request("**/link-initialize.js?again"):
        ada.page.clock.run_for(10_000)
    ada.page.clock.run_for(10_000)
    ada.wait_for("did not load")


def test_a_window_that_never_comes_is_given_up_in_time(ada_at_desk: Visitor) -> None:
    ada = ada_at_desk
    ada.page.clock.install()
    ada.page.route("**/link/frame*", lambda _route: None)
    with ada.page.expect_request("**/link/frame*"):
        ada.begin()
    ada.wait_for("Go on in the window of your bank")
    ada.page.clock.run_for(20_000)
    ada.wait_for("did not load")
    ada.page.unroute("**/link/frame*")
    ada.page.get_by_role("button", name="Try again").click()
    ada.title("wants to read your bank data")


def test_a_lost_answer_is_asked_for_again(ada_at_desk: Visitor) -> None:
    ada = ada_at_desk
    lost: list[int] = []

    def lose(route: Route) -> None:
        if len(lost) < 2:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    ada.page.route("**/api/plaid/connect", lose)
    ada.connect()
    assert lost == [200, 200]
    assert len(ada.states()) == 1


def test_pressing_twice_opens_one_window(ada_at_desk: Visitor) -> None:
    ada = ada_at_desk
    ada.walker.go("/connect")
    ada.walker.settle()
    ada.page.get_by_role("button", name="Continue").dblclick()
    ada.title("wants to read your bank data")
    assert ada.page.locator("iframe").count() == 1
    assert count_links(ada) == 1


def test_a_bank_that_is_there_already_is_reconnected_instead(ada: Visitor) -> None:
    ada.have_bank()
    connect_it_again(ada)
    ada.walker.approve("connect-duplicate")
    ada.page.get_by_role("button", name="Reconnect it").click()
    ada.page.wait_for_url("**/connect?connection=*")
    assert f"Reconnect {BANK}" in ada.walker.text()
    assert len(ada.states()) == 1
    with ada.walker.site.app.app_context():
        assert LinkState.EXITED in set(db.session.scalars(select(LinkSession.state)))


def test_a_bank_may_be_kept_twice(ada_at_desk: Visitor) -> None:
    ada_at_desk.have_bank()
    connect_it_again(ada_at_desk)
    ada_at_desk.page.get_by_role("button", name="Keep both").click()
    ada_at_desk.arrive()
    assert len(ada_at_desk.states()) == 2


@pytest.mark.parametrize(("answer", "connections"), [("Keep both", 2), ("Leave the new one out", 1)])
def test_the_question_waits_on_the_accounts_page(ada_at_desk: Visitor, answer: str, connections: int) -> None:
    ada = ada_at_desk
    ada.have_bank()
    connect_it_again(ada)
    ada.page.keyboard.press("Escape")
    ada.wait_for("You can also decide later")
    ada.walker.go("/accounts")
    ada.wait_for("seems to be connected already")
    ada.walker.approve(f"accounts-waiting-{connections}")
    ada.walker.press(answer)
    assert "seems to be connected already" not in ada.walker.text()
    assert len(ada.states()) == connections
