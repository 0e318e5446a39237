"""Link as a person meets it: a real browser, a host page under a strict policy, phone and desktop."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

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

    from mingus.simulator.items import Item
    from tests.simulator.judged import Running

pytestmark = pytest.mark.browser

BANK = "First Platypus Bank"
KEYS = {
    "error_type", "error_code", "error_message", "exit_status", "institution_id", "institution_name",
    "institution_search_query", "mfa_type", "view_name", "request_id", "link_session_id", "timestamp",
}  # fmt: skip


@pytest.fixture(scope="module")
def simulator() -> Iterator[Running]:
    with judged() as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Browser:
    return chromium_or_skip()


@pytest.fixture(scope="module")
def site(simulator: Running) -> Iterator[HostSite]:
    host = HostSite(simulator.base_url)
    yield host
    host.close()


@pytest.fixture(params=["desktop", "phone"])
def ada(request: pytest.FixtureRequest, browser: Browser, site: HostSite) -> Iterator[Person]:
    """Ada, once at a desk and once with a phone."""
    with person(browser, site, width=request.param) as someone:
        yield someone
        someone.assert_no_trouble()


@pytest.fixture
def cleo(browser: Browser, site: HostSite) -> Iterator[Person]:
    """Cleo, who has a phone."""
    with person(browser, site, width="phone") as someone:
        yield someone
        someone.assert_no_trouble()


@pytest.fixture
def ben(browser: Browser, site: HostSite) -> Iterator[Person]:
    """Ben, at a desk, for what has nothing to do with the width."""
    with person(browser, site) as someone:
        yield someone


def connect(someone: Person) -> None:
    someone.to_search()
    someone.choose(BANK)
    someone.sign_in()
    someone.title("Which accounts?")
    someone.press("Continue")
    someone.title("is connected")
    someone.press("Finish")


def made_item(simulator: Running, someone: Person) -> Item:
    someone.open(make_token(simulator))
    connect(someone)
    item = simulator.sim.items.exchange(someone.called("onSuccess")[0])
    someone.page.evaluate("() => { handler.destroy(); calls.length = 0; }")
    return item


def test_connecting_a_bank_tells_the_page_in_order(ada: Person, simulator: Running) -> None:
    ada.open(make_token(simulator))
    connect(ada)
    public_token, metadata = ada.called("onSuccess")
    order = [call["callback"] for call in ada.calls()]
    assert order[0] == "onLoad"
    assert order.index("onSuccess") == len(order) - 1
    assert order.count("onExit") == 0
    events = ada.events()
    assert events[0] == "OPEN"
    assert events[-1] == "HANDOFF"
    wanted = [
        "OPEN",
        "SKIP_SUBMIT_PHONE",
        "SEARCH_INSTITUTION",
        "SELECT_INSTITUTION",
        "SUBMIT_CREDENTIALS",
        "HANDOFF",
    ]
    assert [name for name in events if name in wanted] == wanted
    item = simulator.sim.items.exchange(public_token)
    assert metadata["institution"] == {"name": BANK, "institution_id": "ins_109508"}
    assert [row["id"] for row in metadata["accounts"]] == [row.account_id for row in item.visible_accounts()]
    assert set(metadata["accounts"][0]) == {
        "id", "name", "mask", "type", "subtype", "verification_status", "class_type"
    }  # fmt: skip
    assert metadata["transfer_status"] is None
    told = [call["details"][1] for call in ada.calls() if call["callback"] == "onEvent"]
    assert all(set(details) >= KEYS for details in told)
    assert {details["link_session_id"] for details in told} == {metadata["link_session_id"]}
    assert ada.page.locator("dialog").is_hidden()


@pytest.mark.parametrize(
    ("password", "answers"),
    [
        ("mfa_device", [None, {"Enter the code that was sent to you": "1234"}]),
        (
            "mfa_questions_2_2",
            [
                {
                    f"What is your answer to question {q + 1} of round {r + 1}?": f"answer_{r}_{q}"
                    for q in (0, 1)
                }
                for r in (0, 1)
            ],
        ),
        ("mfa_selections", ["Yes"]),
    ],
    ids=["device", "questions", "selections"],
)
def test_every_kind_of_second_factor_can_be_answered(
    cleo: Person, simulator: Running, password: str, answers: list[Any]
) -> None:
    cleo.open(make_token(simulator, institution_id="ins_109508"))
    cleo.press("Continue")
    cleo.press("Continue without a phone number")
    cleo.sign_in("user_good", password)
    for answer in answers:
        if answer is None:
            cleo.press("Send the code")
            continue
        for label, text in answer.items() if isinstance(answer, dict) else ():
            cleo.fill(label, text)
        if isinstance(answer, str):
            cleo.frame.get_by_label(answer, exact=True).check()
        cleo.press("Continue")
    cleo.title("Which accounts?")
    asked = [call["details"][1]["mfa_type"] for call in cleo.calls() if call["details"][:1] == ["SUBMIT_MFA"]]
    assert len(asked) == len(answers)
    assert set(asked) <= {"device", "code", "questions", "selections"}


def test_wrong_code_is_said_beside_the_field_and_can_be_corrected(ben: Person, simulator: Running) -> None:
    ben.open(make_token(simulator, institution_id="ins_109508"))
    ben.press("Continue")
    ben.press("Continue without a phone number")
    ben.sign_in("user_good", "mfa_device")
    ben.press("Send the code")
    field = ben.frame.get_by_label("Enter the code that was sent to you")
    field.fill("9999")
    ben.press("Continue")
    ben.frame.get_by_text("The answer was not correct").first.wait_for()
    until(lambda: field.get_attribute("aria-invalid") == "true")
    assert field.evaluate("element => document.activeElement === element")
    field.fill("1234")
    field.press("Enter")
    ben.title("Which accounts?")


def test_leaving_asks_once_something_was_entered_and_then_tells_no_error(
    ada: Person, simulator: Running
) -> None:
    ada.open(make_token(simulator))
    ada.to_search()
    ada.choose(BANK)
    ada.title("Sign in to your bank")
    ada.press("Close")
    ada.frame.get_by_role("dialog", name="Leave without connecting?").wait_for()
    ada.press("Stay")
    ada.title("Sign in to your bank")
    ada.press("Close")
    ada.frame.get_by_role("button", name="Leave", exact=True).click()
    error, metadata = ada.called("onExit")
    assert error is None
    assert metadata["status"] == "requires_credentials"
    assert metadata["institution"]["name"] == BANK
    assert metadata["request_id"]
    assert [call["callback"] for call in ada.calls()][-2:] == ["onEvent", "onExit"]
    assert ada.events()[-1] == "EXIT"
    assert ada.page.locator("dialog").is_hidden()


def test_leaving_after_an_error_tells_the_error(ben: Person, simulator: Running) -> None:
    ben.open(make_token(simulator))
    ben.to_search()
    ben.choose(BANK)
    ben.sign_in("user_good", "error_ITEM_LOCKED")
    ben.title("This login is locked")
    ben.press("Leave")
    error, metadata = ben.called("onExit")
    assert set(error) == {"error_type", "error_code", "error_message", "display_message"}
    assert (error["error_type"], error["error_code"]) == ("ITEM_ERROR", "ITEM_LOCKED")
    assert metadata["status"] == "requires_credentials"
    assert "ERROR" in ben.events()


def test_search_that_finds_nothing_ends_as_institution_not_found(ben: Person, simulator: Running) -> None:
    ben.open(make_token(simulator))
    ben.to_search()
    ben.frame.get_by_role("searchbox").fill("zzzz")
    ben.frame.get_by_text("No bank by the name").wait_for()
    ben.press("Close")
    assert ben.called("onExit")[1]["status"] == "institution_not_found"


def test_down_slow_and_unsupported_banks_say_so(ben: Person, simulator: Running) -> None:
    names = {
        key: simulator.sim.institutions.get(key).name for key in ("ins_132363", "ins_132361", "ins_133402")
    }
    ben.open(make_token(simulator))
    ben.to_search()
    ben.choose(names["ins_132361"])
    ben.title("The bank is down")
    ben.press("Choose another bank")
    ben.choose(names["ins_132363"])
    ben.title("This bank is having trouble")
    ben.press("Try anyway")
    ben.title("Sign in to your bank")
    ben.press("Back")
    ben.choose(names["ins_133402"])
    ben.title("This bank is not supported")
    ben.press("Leave")
    error, metadata = ben.called("onExit")
    assert error["error_code"] == "INSTITUTION_NO_LONGER_SUPPORTED"
    assert metadata["status"] == "institution_not_supported"
    assert {"SELECT_DOWN_INSTITUTION", "SELECT_DEGRADED_INSTITUTION"} <= set(ben.events())


def test_bad_token_ends_as_invalid_link_token(ben: Person) -> None:
    ben.open("link-sandbox-nobody")
    ben.title("This session has ended")
    ben.press("Leave")
    error, metadata = ben.called("onExit")
    assert error["error_code"] == "INVALID_LINK_TOKEN"
    assert metadata["institution"] is None


def test_update_mode_heals_the_item(cleo: Person, simulator: Running) -> None:
    item = made_item(simulator, cleo)
    item.error_code = "ITEM_LOGIN_REQUIRED"
    cleo.open(make_token(simulator, products=None, access_token=item.access_token))
    cleo.title("Sign in again")
    cleo.sign_in()
    cleo.title("is connected again")
    cleo.press("Finish")
    assert cleo.called("onSuccess")[1]["institution"]["name"] == BANK
    assert item.error_code is None


def test_account_selection_shows_what_is_shared_and_changes_it(ben: Person, simulator: Running) -> None:
    item = made_item(simulator, ben)
    update = {"account_selection_enabled": True}
    ben.open(make_token(simulator, products=None, access_token=item.access_token, update=update))
    ben.title("Which accounts?")
    ticked = ben.frame.locator("input[name=account]:checked")
    values = [box.get_attribute("value") for box in ticked.all()]
    assert values == [account.account_id for account in item.visible_accounts()]
    for value in values[1:]:
        ben.frame.locator(f"input[value='{value}']").uncheck()
    ben.press("Continue")
    ben.title("is connected again")
    ben.press("Finish")
    ben.called("onSuccess")
    assert [account.account_id for account in item.visible_accounts()] == values[:1]


def test_keyboard_alone_connects_a_bank_and_cannot_leave_the_sheet(ben: Person, simulator: Running) -> None:
    keys = ben.page.keyboard
    ben.page.get_by_role("button", name="Connect a bank").focus()
    ben.open(make_token(simulator))
    ben.title("wants to read your bank data")
    for _ in range(12):
        keys.press("Tab")
        assert ben.page.evaluate("() => document.activeElement.tagName") == "IFRAME"
    ben.frame.get_by_role("button", name="Continue").focus()
    keys.press("Enter")
    ben.title("Have you done this before?")
    keys.type("415-555-0010")
    keys.press("Enter")
    ben.title("Enter the code")
    keys.type("123456")
    keys.press("Enter")
    ben.title("Find your bank")
    keys.type(BANK)
    ben.frame.get_by_role("heading", name="Banks found").wait_for()
    keys.press("Tab")
    keys.press("Enter")
    ben.title("Sign in to your bank")
    keys.type("user_good")
    keys.press("Tab")
    keys.type("pass_good")
    keys.press("Enter")
    ben.title("Which accounts?")
    ben.frame.get_by_role("checkbox").nth(1).focus()
    keys.press("Space")
    keys.press("Enter")
    ben.title("is connected")
    keys.press("Enter")
    assert len(ben.called("onSuccess")[1]["accounts"]) == 9
    assert ben.page.evaluate("() => document.activeElement.id") == "connect"


def test_escape_leaves_and_gives_the_focus_back(ben: Person, simulator: Running) -> None:
    ben.page.get_by_role("button", name="Connect a bank").focus()
    ben.open(make_token(simulator))
    ben.title("wants to read your bank data")
    ben.page.keyboard.press("Escape")
    assert ben.called("onExit")[0] is None
    assert ben.page.evaluate("() => document.activeElement.id") == "connect"


def test_axe_finds_nothing_on_any_pane(browser: Browser, site: HostSite, simulator: Running) -> None:
    with person(browser, site, width="phone") as ada:
        ada.open(make_token(simulator))
        findings = []

        def look(title: str) -> None:
            ada.title(title)
            findings.extend(axe_findings(ada.page))

        look("wants to read your bank data")
        ada.press("Continue")
        look("Have you done this before?")
        ada.fill("Phone number", "1")
        ada.press("Continue")
        ada.frame.get_by_text("Only 415").first.wait_for()
        look("Have you done this before?")
        ada.press("Continue without a phone number")
        look("Find your bank")
        ada.choose(BANK)
        look("Sign in to your bank")
        ada.press("Close")
        ada.frame.get_by_role("dialog", name="Leave without connecting?").wait_for()
        findings.extend(axe_findings(ada.page))
        ada.press("Stay")
        ada.sign_in("user_good", "error_ITEM_LOCKED")
        look("This login is locked")
        ada.press("Try again")
        ada.sign_in("user_good", "mfa_selections_1_2_3")
        look("A few questions")
        for box in (0, 3):
            ada.frame.get_by_role("radio").nth(box).check()
        ada.press("Continue")
        look("Which accounts?")
        ada.press("Continue")
        look("is connected")
        assert findings == []


def test_nothing_is_cut_off_at_320_pixels(ben: Person, simulator: Running) -> None:
    ben.page.set_viewport_size({"width": 320, "height": 480})
    ben.open(make_token(simulator, client_name="A name of thirty letters, full"))
    ben.to_search()
    frame = ben.page.frames[1]
    assert frame.evaluate("() => document.documentElement.scrollWidth") <= 320
    ben.choose(BANK)
    ben.title("Sign in to your bank")
    box = ben.frame.get_by_role("button", name="Sign in").bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert box["y"] + box["height"] <= 480
