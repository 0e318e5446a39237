"""window.Plaid as a page uses it: create, open, exit, destroy, submit, and what may go wrong around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulator.link_browser import Person
from tests.simulator.link_browser import make_token
from tests.simulator.link_browser import person
from tests.simulator.link_browser import stage
from tests.simulator.link_browser import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from mingus.simulator.testing import Running
    from tests.simulator.link_browser import HostSite

pytestmark = pytest.mark.browser

BANK = "First Platypus Bank"


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Running, Browser, HostSite]]:
    with stage() as parts:
        yield parts


@pytest.fixture
def simulator(world: tuple[Running, Browser, HostSite]) -> Running:
    return world[0]


@pytest.fixture
def ben(world: tuple[Running, Browser, HostSite]) -> Iterator[Person]:
    """Ben, at a desk."""
    _, browser, site = world
    with person(browser, site) as someone:
        yield someone


def test_page_can_ask_link_to_leave_and_force_it(ben: Person, simulator: Running) -> None:
    ben.open(make_token(simulator))
    ben.to_search()
    ben.choose(BANK)
    ben.page.evaluate("() => handler.exit()")
    ben.frame.get_by_role("dialog", name="Leave without connecting?").wait_for()
    ben.page.evaluate("() => handler.exit({ force: true })")
    assert ben.called("onExit")[0] is None


def test_link_opens_again_after_it_was_left_and_loads_only_once_for_the_page(
    ben: Person, simulator: Running
) -> None:
    ben.open(make_token(simulator))
    ben.title("wants to read your bank data")
    ben.press("Close")
    ben.called("onExit")
    ben.page.evaluate("() => { handler.open(); handler.open(); }")
    ben.title("wants to read your bank data")
    until(lambda: ben.events() == ["OPEN", "TRANSITION_VIEW", "EXIT", "OPEN", "TRANSITION_VIEW"])
    assert [call["callback"] for call in ben.calls()].count("onLoad") == 1


def test_destroyed_handler_takes_its_frame_away_and_is_silent(ben: Person, simulator: Running) -> None:
    ben.open(make_token(simulator))
    ben.title("wants to read your bank data")
    ben.page.evaluate(
        "() => { handler.destroy(); handler.destroy(); calls.length = 0; handler.open(); handler.exit(); }"
    )
    assert ben.page.locator("iframe").count() == 0
    assert ben.page.evaluate("() => getComputedStyle(document.documentElement).overflow") == "visible"
    ben.create(make_token(simulator))
    ben.called("onLoad")
    assert [call["callback"] for call in ben.calls()] == ["onLoad"]


@pytest.mark.parametrize(
    "config", ["{}", "{token: ''}", "{token: 'x'}", "{token: 'x', onSuccess: 1}", "null"]
)
def test_config_that_makes_no_sense_throws(ben: Person, config: str) -> None:
    thrown = ben.page.evaluate(
        f"() => {{ try {{ Plaid.create({config}); return null; }} catch (error) {{ return error.message; }} }}"
    )
    assert thrown
    assert ben.page.locator("iframe").count() == 0


def test_mistake_in_a_callback_of_the_page_does_not_stop_link(ben: Person, simulator: Running) -> None:
    ben.create(make_token(simulator))
    ben.page.evaluate(
        "(token) => { handler.destroy(); window.handler = Plaid.create({ token, onSuccess: () => {},"
        " onEvent: () => { throw new Error('the page is wrong'); } }); handler.open(); }",
        make_token(simulator),
    )
    ben.to_search()
    assert any("the page is wrong" in trouble for trouble in ben.troubles)


def test_missing_frame_gives_the_page_back(ben: Person, simulator: Running) -> None:
    ben.page.route("**/link/frame?*", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    ben.page.clock.install()
    ben.open(make_token(simulator))

    def waited() -> bool:
        ben.page.clock.run_for(2000)
        return any(call["callback"] == "onExit" for call in ben.calls())

    until(waited)
    assert ben.called("onExit")[0]["error_code"] == "INTERNAL_SERVER_ERROR"
    assert ben.page.locator("dialog").is_hidden()


def test_messages_of_strangers_are_ignored_on_both_sides(ben: Person, simulator: Running) -> None:
    ben.open(make_token(simulator))
    ben.title("wants to read your bank data")
    ben.page.evaluate(
        "() => window.postMessage({ kind: 'success', publicToken: 'forged', metadata: {} }, '*')"
    )
    frame = ben.page.frames[1]
    frame.evaluate("() => window.postMessage({ kind: 'exit', force: true }, '*')")
    ben.press("Continue")
    ben.title("Have you done this before?")
    assert not {"onSuccess", "onExit"} & {call["callback"] for call in ben.calls()}


def test_layer_is_not_available(ben: Person, simulator: Running) -> None:
    ben.open(make_token(simulator))
    ben.title("wants to read your bank data")
    ben.page.evaluate("() => handler.submit({ phone_number: '+14155550010' })")
    until(lambda: "LAYER_NOT_AVAILABLE" in ben.events())
