"""Banks with OAuth and hosted links in a real browser: out to another page, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import chromium_or_skip
from tests.simulator.judged import judged
from tests.simulator.link_browser import HostSite
from tests.simulator.link_browser import Person
from tests.simulator.link_browser import axe_findings
from tests.simulator.link_browser import make_token
from tests.simulator.link_browser import person
from tests.simulator.link_browser import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from playwright.sync_api import Page

    from tests.simulator.judged import Running

pytestmark = pytest.mark.browser

OAUTH_BANK = "ins_127287"
NAME = "Platypus OAuth Bank"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Running]:
    with judged() as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Browser:
    return chromium_or_skip()


@pytest.fixture
def site(simulator: Running) -> Iterator[HostSite]:
    host = HostSite(simulator.base_url)
    yield host
    host.close()


@pytest.fixture(params=["desktop", "phone"])
def ada(request: pytest.FixtureRequest, browser: Browser, site: HostSite) -> Iterator[Person]:
    """Ada, once at a desk and once with a phone."""
    with person(browser, site, width=request.param) as someone:
        yield someone


@pytest.fixture
def ben(browser: Browser, site: HostSite) -> Iterator[Person]:
    """Ben, at a desk."""
    with person(browser, site) as someone:
        yield someone


def to_bank(someone: Person) -> None:
    someone.press("Continue")
    someone.press("Continue without a phone number")
    someone.title(f"Continue at {NAME}")


def pop_up(someone: Person) -> Page:
    with someone.context.expect_page() as opened:
        someone.press(f"Go to {NAME}")
    return opened.value


def allow(bank: Page, *, accounts: int | None = None) -> None:
    """Sign in at the bank and allow, with all accounts or the first few."""
    bank.get_by_label("Username").fill("user_good")
    bank.get_by_role("button", name="Sign in").click()
    bank.get_by_role("heading", name="Share with Host?").wait_for()
    if accounts is not None:
        for box in bank.get_by_role("checkbox").all()[accounts:]:
            box.uncheck()
    bank.get_by_role("button", name="Allow").click()


def redirected(someone: Person, simulator: Running) -> str:
    """Leave for the bank by a redirect and come back; the link token."""
    someone.site.script_query = "?oauth=redirect"
    someone.visit()
    back = f"{someone.site.url}/callback"
    token = make_token(simulator, institution_id=OAUTH_BANK, redirect_uri=back)
    someone.open(token)
    to_bank(someone)
    someone.press(f"Go to {NAME}")
    someone.page.wait_for_url("**/link/bank/*")
    allow(someone.page, accounts=2)
    someone.page.wait_for_url("**/callback?oauth_state_id=*")
    return token


def test_pop_up_comes_back_by_itself_with_the_chosen_accounts(ada: Person, simulator: Running) -> None:
    ada.open(make_token(simulator, institution_id=OAUTH_BANK))
    to_bank(ada)
    bank = pop_up(ada)
    ada.title(f"Waiting for {NAME}")
    allow(bank, accounts=3)
    ada.title("is connected")
    until(bank.is_closed)
    ada.press("Finish")
    public_token, metadata = ada.called("onSuccess")
    assert len(metadata["accounts"]) == 3
    assert metadata["institution"]["institution_id"] == OAUTH_BANK
    item = simulator.sim.items.exchange(public_token)
    assert [row["id"] for row in metadata["accounts"]] == [row.account_id for row in item.visible_accounts()]
    events = ada.events()
    assert events.index("OPEN_OAUTH") < events.index("CLOSE_OAUTH") < events.index("HANDOFF")
    ada.assert_no_trouble()


def test_pop_up_works_where_the_page_cuts_its_openers_off(ben: Person, simulator: Running) -> None:
    ben.site.extra_headers["Cross-Origin-Opener-Policy"] = "same-origin"
    ben.visit()
    ben.open(make_token(simulator, institution_id=OAUTH_BANK))
    to_bank(ben)
    allow(pop_up(ben))
    ben.title("is connected")
    ben.press("Finish")
    ben.called("onSuccess")


def test_closed_pop_up_is_told_and_can_be_tried_again(ben: Person, simulator: Running) -> None:
    ben.open(make_token(simulator, institution_id=OAUTH_BANK))
    to_bank(ben)
    pop_up(ben).close()
    ben.title("Not finished at the bank")
    ben.press("Try again")
    ben.title(f"Continue at {NAME}")
    bank = pop_up(ben)
    bank.get_by_role("button", name="Cancel").click()
    ben.title("Not finished at the bank")
    ben.press("Leave")
    error, metadata = ben.called("onExit")
    assert error["error_code"] == "INSUFFICIENT_CREDENTIALS"
    assert metadata["status"] == "requires_oauth"
    assert ben.events().count("FAIL_OAUTH") == 2


def test_redirect_comes_back_to_the_page_which_takes_link_up_again(ada: Person, simulator: Running) -> None:
    token = redirected(ada, simulator)
    ada.open(token, receivedRedirectUri=ada.page.url)
    ada.title("is connected")
    ada.press("Finish")
    public_token, metadata = ada.called("onSuccess")
    assert len(metadata["accounts"]) == 2
    assert simulator.sim.items.exchange(public_token).institution_id == OAUTH_BANK
    assert ada.events()[0] == "OPEN"
    ada.assert_no_trouble()


def test_reloaded_return_page_ends_as_already_processed(ben: Person, simulator: Running) -> None:
    token = redirected(ben, simulator)
    address = ben.page.url
    ben.open(token, receivedRedirectUri=address)
    ben.title("is connected")
    ben.page.reload()
    ben.open(token, receivedRedirectUri=address)
    ben.title("Already done")
    ben.press("Leave")
    assert ben.called("onExit")[0]["error_code"] == "OAUTH_STATE_ID_ALREADY_PROCESSED"


def test_return_with_another_link_token_is_refused(ben: Person, simulator: Running) -> None:
    redirected(ben, simulator)
    ben.open(make_token(simulator), receivedRedirectUri=ben.page.url)
    ben.press("Leave")
    assert ben.called("onExit")[0]["error_code"] == "INCORRECT_LINK_TOKEN"


def test_hosted_link_ends_at_its_completion_address(ben: Person, simulator: Running) -> None:
    completion = f"{ben.site.url}/finished"
    token = make_token(
        simulator, hosted_link={"completion_redirect_uri": completion}, institution_id=OAUTH_BANK
    )
    page = ben.page
    page.goto(hosted_url(simulator, token))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue without a phone number").click()
    with ben.context.expect_page() as opened:
        page.get_by_role("button", name=f"Go to {NAME}").click()
    allow(opened.value)
    page.get_by_role("button", name="Finish").click()
    page.wait_for_url(completion)


def test_hosted_link_leaves_for_the_bank_and_returns_to_itself(ben: Person, simulator: Running) -> None:
    token = make_token(simulator, hosted_link={}, institution_id=OAUTH_BANK)
    page = ben.page
    page.goto(f"{hosted_url(simulator, token)}?oauth=redirect")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue without a phone number").click()
    page.get_by_role("button", name=f"Go to {NAME}").click()
    allow(page)
    page.get_by_role("button", name="Finish").click()
    page.get_by_role("heading", name="All done").wait_for()


def test_unknown_hosted_link_says_so(ben: Person, simulator: Running) -> None:
    response = ben.page.goto(f"{simulator.base_url}/hl/nothing")
    assert response is not None
    assert response.status == 404
    ben.page.get_by_role("heading", name="This link is not known").wait_for()


def test_axe_finds_nothing_at_the_bank(browser: Browser, site: HostSite, simulator: Running) -> None:
    with person(browser, site, width="phone") as ada:
        ada.open(make_token(simulator, institution_id=OAUTH_BANK))
        to_bank(ada)
        findings = axe_findings(ada.page)
        bank = pop_up(ada)
        bank.get_by_role("heading", name="Sign in to").wait_for()
        findings += axe_findings(bank)
        bank.get_by_role("button", name="Sign in").click()
        bank.get_by_role("heading", name="Share with Host?").wait_for()
        for box in bank.get_by_role("checkbox").all():
            box.uncheck()
        bank.get_by_role("button", name="Allow").click()
        bank.get_by_role("alert").wait_for()
        findings += axe_findings(bank)
        assert findings == []


def hosted_url(simulator: Running, token: str) -> str:
    """The address of the hosted link of the token."""
    doc = simulator.sim.store.get("link_token", token)
    assert doc is not None
    return f"{simulator.base_url}/hl/{doc['hosted_id']}"
