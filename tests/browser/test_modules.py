"""What scripts add to pages: each behaviour as a person at keyboard or mouse meets it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.walker import View
from tests.factories import ADA
from tests.factories import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from playwright.sync_api import Route

    from tests.browser.walker import LiveSite
    from tests.browser.walker import Walker

pytestmark = pytest.mark.browser

LIVE_PATH = "/a-live-page"
MARK = "as it was"
PRESS_TWICE = (
    "() => { const press = document.querySelector('form .button--primary'); press.click(); press.click(); }"
)


@pytest.fixture
def guide(desk: Walker, site: LiveSite) -> Walker:
    """The style guide, ready to be tried."""
    factories.make_person(site.app)
    desk.enter(ADA)
    desk.go("/styleguide")
    desk.settle()
    return desk


def background(walker: Walker) -> str:
    return str(walker.page.evaluate("getComputedStyle(document.body).backgroundColor"))


def focused(walker: Walker) -> str:
    return str(walker.page.evaluate("document.activeElement.textContent.trim().replace(/\\s+/g, ' ')"))


def serve_live(walker: Walker, bodies: list[str]) -> list[str]:
    """Serve a page with a region that asks again; each request takes the next body, the last one stays."""
    walker.go("/login")
    entry = walker.page.locator("script[type=module]").get_attribute("src")
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.headers.get("x-fragment", ""))
        body = bodies[min(len(asked), len(bodies)) - 1]
        if body == "broken":
            route.fulfill(status=503, body="")
            return
        script = f'<script type="module" src="{entry}"></script>'
        route.fulfill(content_type="text/html", body=f"<title>Live</title>{script}{body}")

    walker.page.route(f"**{LIVE_PATH}", answer)
    walker.page.route("**/api/plaid/pulse*", lambda route: route.fulfill(json={"mark": MARK, "syncing": 0}))
    walker.page.clock.install()
    walker.go(LIVE_PATH)
    walker.settle()
    return asked


def region(inside: str, *, seconds: int | None = 5) -> str:
    again = f'data-live-seconds="{seconds}"' if seconds else ""
    stand = f'data-live-url="{LIVE_PATH}" data-live-mark="{MARK}" data-live-at=""'
    return f'<section id="live" data-module="live" {stand} {again}>{inside}</section>'


def test_the_theme_is_chosen_here_and_kept(desk: Walker) -> None:
    desk.go("/login")
    desk.settle()
    light = background(desk)
    toggle = desk.page.get_by_role("button", name=re.compile("^Theme"))
    toggle.click()
    expect(toggle).to_have_accessible_name("Theme: light")
    toggle.click()
    expect(toggle).to_have_accessible_name("Theme: dark")
    assert background(desk) != light
    desk.go("/register")
    assert background(desk) != light, "the server draws the next page in the chosen theme"
    desk.approve("theme-chosen")
    desk.settle()
    desk.page.get_by_role("button", name="Theme: dark").click()
    assert background(desk) == light


def test_a_form_is_sent_once(desk: Walker) -> None:
    desk.go("/login")
    desk.settle()
    sent: list[str] = []

    def answer_later(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route.request.url)
        route.fulfill(status=204)  # leaves the page as it stands, as a slow answer does

    desk.page.route("**/login", answer_later)
    desk.fill(email=ADA, password=PASSWORD)
    with desk.page.expect_response("**/login"):
        desk.page.evaluate(PRESS_TWICE)
    expect(desk.page.get_by_role("button", name="Sign in", exact=True)).to_have_attribute("aria-busy", "true")
    desk.page.evaluate(PRESS_TWICE)
    assert len(sent) == 1


def test_a_password_shows_while_asked_to(desk: Walker) -> None:
    desk.go("/login")
    desk.settle()
    desk.fill(password=PASSWORD)
    button = desk.page.get_by_role("button", name="Show Password")
    button.click()
    assert desk.page.get_attribute("[name=password]", "type") == "text"
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    assert desk.page.get_attribute("[name=password]", "type") == "password"


def test_a_copy_button_copies_and_says_so(desk: Walker) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.go("/login")
    desk.settle()
    desk.page.get_by_role("button", name="Copy the e-mail").click()
    expect(desk.page.get_by_role("button", name="Copied")).to_be_visible()
    assert desk.page.evaluate("navigator.clipboard.readText()") == "demo@mingus.example"


def test_a_menu_is_walked_by_arrows_and_left_by_escape(guide: Walker) -> None:
    page = guide.page
    opener = page.locator("#overlays summary")
    opener.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    assert focused(guide) == "Rename"
    page.keyboard.press("ArrowUp")
    assert focused(guide) == "Disconnect"
    page.keyboard.press("Escape")
    assert focused(guide) == "More actions"
    expect(page.locator("#overlays details")).not_to_have_attribute("open", "")
    opener.click()
    page.locator("#overlays > h2").click()
    expect(page.locator("#overlays details")).not_to_have_attribute("open", "")


def test_a_dialog_holds_the_focus_and_gives_it_back(guide: Walker) -> None:
    page = guide.page
    opener = page.get_by_role("link", name="Open the dialog")
    dialog = page.get_by_role("dialog", name="Disconnect First Platypus Bank?")
    opener.focus()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    guide.approve("dialog")
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('dialog, body').tagName") in {"DIALOG", "BODY"}
        assert not page.evaluate("document.activeElement.closest('.button-row') !== null")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert focused(guide) == "Open the dialog"


def test_a_drawer_closes_by_its_cross_and_by_a_press_outside(guide: Walker) -> None:
    page = guide.page
    drawer = page.get_by_role("dialog", name="Whole Harvest Market")
    opener = page.get_by_role("link", name="Open the drawer")
    opener.click()
    expect(drawer).to_be_visible()
    drawer.get_by_role("link", name="Close").click()
    expect(drawer).to_be_hidden()
    opener.click()
    expect(drawer).to_be_visible()
    page.mouse.click(50, 400)
    expect(drawer).to_be_hidden()


def test_an_address_with_its_name_opens_a_dialog(guide: Walker) -> None:
    guide.go("/styleguide#specimen-dialog")
    guide.page.reload()
    guide.settle()
    dialog = guide.page.locator("#specimen-dialog")
    expect(dialog).to_be_visible()
    assert guide.page.evaluate("document.querySelector('#specimen-dialog').matches(':modal')")
    guide.page.keyboard.press("Escape")
    expect(guide.page).to_have_url(f"{guide.site.url}/styleguide")


def test_a_dialog_opens_without_javascript_too(
    site: LiveSite, open_window: Callable[..., AbstractContextManager[Walker]]
) -> None:
    factories.make_person(site.app)
    with open_window(View(width=360, theme="light"), scripts=False) as walker:
        walker.enter(ADA)
        walker.go("/styleguide")
        walker.page.get_by_role("link", name="Open the dialog").click()
        expect(walker.page.locator("#specimen-dialog")).to_be_visible()
        walker.page.locator("#specimen-dialog").get_by_role("link", name="Close").click()
        expect(walker.page.locator("#specimen-dialog")).to_be_hidden()


def test_a_toast_waits_for_its_reader_and_then_leaves(guide: Walker) -> None:
    page = guide.page
    page.clock.install()
    guide.go("/styleguide")
    guide.settle()
    toast = page.locator(".toast").first
    toast.hover()
    page.clock.run_for(20_000)
    expect(page.locator(".toast")).to_have_count(1)
    page.mouse.move(0, 0)
    page.clock.run_for(8_000)
    page.clock.run_for(1_000)
    expect(page.locator(".toast")).to_have_count(0)


def test_a_toast_is_dismissed_at_once(guide: Walker) -> None:
    guide.page.get_by_role("button", name="Dismiss").first.click()
    expect(guide.page.locator(".toast")).to_have_count(1)


def test_times_stay_true_while_the_page_stands_open(guide: Walker) -> None:
    page = guide.page
    page.clock.install()
    guide.go("/styleguide")
    guide.settle()
    time = page.locator("#words time").first
    assert "second" in time.inner_text()
    page.clock.run_for(5 * 60_000)
    expect(time).to_have_text("5 minutes ago")


def test_pointing_at_a_chart_tells_the_nearest_figure(guide: Walker) -> None:
    page = guide.page
    stage = page.locator("#charts .chart__stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 50)
    expect(page.locator(".chart__tip-label")).to_have_text("Nov 2026")
    page.mouse.move(box["x"] + 1, box["y"] + 50)
    expect(page.locator(".chart__tip-label")).to_have_text("Nov 2025")
    page.mouse.move(0, 0)
    expect(page.locator(".chart__tip")).to_have_count(0)


def test_a_chart_is_walked_by_arrows(guide: Walker) -> None:
    page = guide.page
    page.locator("#charts .plot[tabindex]").first.focus()
    last = page.locator(".chart__tip-value").inner_text()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert page.locator(".chart__tip-value").inner_text() != last
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    assert page.locator(".chart__tip-value").inner_text() == last


def test_the_first_tab_skips_to_the_content(desk: Walker) -> None:
    desk.go("/")
    desk.settle()
    desk.page.keyboard.press("Tab")
    assert focused(desk) == "Skip to content"
    expect(desk.page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    desk.page.keyboard.press("Enter")
    assert desk.page.evaluate("document.activeElement.id") == "content"


def test_a_refused_form_puts_the_reader_at_the_only_wrong_field(desk: Walker) -> None:
    desk.go("/forgot")
    desk.fill(email="ada@")
    desk.press("Mail me a link")
    desk.settle()
    assert desk.page.evaluate("document.activeElement.name") == "email"
    assert desk.page.get_by_role("alert").count() == 0, "one wrong field needs no summary"


def test_a_live_region_takes_over_what_the_server_draws(desk: Walker) -> None:
    asked = serve_live(desk, [region("one"), region("two"), region("done", seconds=None), region("never")])
    live = desk.page.locator("#live")
    desk.page.clock.run_for(5_000)
    expect(live).to_have_text("two")
    desk.page.clock.run_for(5_000)
    expect(live).to_have_text("done")
    desk.page.clock.run_for(60_000)
    assert asked == ["", "live", "live"], "an answer without an interval is the last one"


def test_a_live_region_outlives_a_failure_and_keeps_the_focus(desk: Walker) -> None:
    link = '<a id="more" href="/login">More</a>'
    asked = serve_live(desk, [region(f"one {link}"), "broken", region(f"two {link}")])
    desk.page.locator("#more").focus()
    desk.page.clock.run_for(5_000)
    expect(desk.page.locator("#live")).to_have_text("one More")
    while len(asked) < 2:
        desk.page.wait_for_event("requestfinished")
    desk.page.clock.run_for(10_000)
    expect(desk.page.locator("#live")).to_have_text("two More")
    assert desk.page.evaluate("document.activeElement.id") == "more"


def test_a_live_region_whose_person_is_signed_out_goes_to_sign_in(desk: Walker) -> None:
    serve_live(desk, [region("mine").replace(LIVE_PATH, "/settings")])
    desk.page.clock.run_for(5_000)
    expect(desk.page).to_have_url(re.compile(r"/login\?next="))
