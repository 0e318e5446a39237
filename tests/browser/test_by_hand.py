"""What is kept by hand, at a real browser: valued, filled from a file, looked at in part, blurred, printed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from mingus.money import Money
from mingus.money import official
from mingus.services import services
from tests import factories
from tests.browser.walker import View

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.browser.walker import LiveSite
    from tests.browser.walker import Walker

pytestmark = pytest.mark.browser


def today(site: LiveSite) -> dt.date:
    with site.app.app_context():
        return services().ambient.today("UTC")


def test_from_nothing_to_a_wallet_with_a_files_transactions(
    walker: Walker, site: LiveSite, tmp_path: Path
) -> None:
    factories.make_person(site.app)
    walker.enter(factories.ADA)
    page = walker.page
    walker.go("/accounts/new")
    walker.approve("manual-new")
    page.select_option("[name=kind]", "cash")
    walker.fill(name="Wallet", amount="1,200.50")
    walker.press("Add it")
    walker.approve("manual-account")
    page.get_by_role("link", name="New value").click()
    walker.fill(amount="1,300", on=(today(site) - dt.timedelta(days=100)).isoformat())
    walker.press("Save")
    page.get_by_role("link", name="All values").click()
    expect(page.get_by_text("$1,300.00")).to_be_visible()
    walker.approve("manual-values")
    walker.go(walker.path().replace("/values", "/import"))
    walker.approve("import-begin")
    day = today(site) - dt.timedelta(days=2)
    file = tmp_path / "wallet.csv"
    file.write_text(f"Date;Text;Amount\n{day};Ice cream;-3,50\n{day};Bus;-2,40\nsoon;?;?\n")
    page.set_input_files("[name=file]", file)
    walker.press("Read the file")
    expect(page.locator(".row__title", has_text="Ice cream")).to_be_visible()
    walker.approve("import-look")
    walker.press("Import 2 transactions")
    expect(page.locator(".tx-row")).to_have_count(2)
    walker.approve("manual-account-filled")
    walker.go("/accounts")
    walker.approve("accounts-by-hand")
    walker.go("/settings/data")
    walker.approve("settings-data")


@pytest.fixture
def valued(desk: Walker, site: LiveSite) -> Walker:
    """Ada at the page of a house that has had fifty values."""
    ada = factories.make_person(site.app)
    first = today(site) - dt.timedelta(days=300)
    with site.app.app_context():
        manual = services().manual
        value = Money.exact("100000", official("USD"))
        account = manual.add(
            ada, name="House", kind="property", currency=value.currency, value=value, on=first
        )
        for number in range(1, 50):
            worth = Money.exact(f"{100_000 + 500 * number}", official("USD"))
            manual.write_value(ada, account, on=first + dt.timedelta(days=6 * number), value=worth)
    desk.enter(factories.ADA)
    desk.go(f"/accounts/{account}?period=all")
    desk.settle()
    return desk


def test_a_long_line_is_looked_at_in_part_by_dragging_buttons_and_keys(valued: Walker) -> None:
    page = valued.page
    shown = page.locator("[data-zoom-range]")
    stage = page.locator(".chart__stage")
    box = stage.bounding_box()
    assert box is not None
    whole = page.locator(".plot__line").get_attribute("d")

    def drag(start: float, end: float) -> None:
        page.mouse.move(box["x"] + box["width"] * start, box["y"] + 90)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * end, box["y"] + 90, steps=4)
        page.mouse.up()

    drag(0.5, 0.75)
    expect(stage).to_have_class("chart__stage chart__stage--zoom is-zoomed")
    part = shown.inner_text()
    assert "–" in part
    drag(0.3, 0.6)  # now it moves the part, to what was before
    assert shown.inner_text() not in {part, ""}
    valued.approve("chart-part")
    page.get_by_role("button", name="The whole").click()
    assert page.locator(".plot__line").get_attribute("d") == whole
    plot = page.locator(".plot[tabindex]")
    plot.press("+")
    expect(stage).to_have_class("chart__stage chart__stage--zoom is-zoomed")
    expect(page.locator(".chart__tip")).to_be_visible()
    later = shown.inner_text()
    plot.press("PageUp")
    assert shown.inner_text() != later
    plot.press("Escape")
    expect(shown).to_have_text("")
    expect(page.get_by_role("button", name="Further away")).to_be_disabled()


def test_the_table_of_a_long_line_is_there_when_it_is_opened_and_without_scripts_too(
    valued: Walker, open_window: Callable[..., AbstractContextManager[Walker]]
) -> None:
    rows = valued.page.locator(".chart tbody tr")
    assert rows.count() == 0
    valued.page.get_by_text("Show as a table").click()
    expect(rows.first).to_be_visible()
    with open_window(View(width=360, theme="dark"), scripts=False) as plain:
        plain.enter(factories.ADA)
        plain.go(valued.path())
        plain.page.get_by_text("Show as a table").click()
        expect(plain.page.locator(".chart tbody tr").first).to_be_visible()
        assert plain.page.locator(".chart tbody tr").count() == rows.count()


def test_two_fingers_look_closer_and_further(valued: Walker) -> None:
    page = valued.page
    shown = page.locator("[data-zoom-range]")
    box = page.locator(".chart__stage").bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)

    def pinch(first: float, then: float) -> None:
        """Two fingers around the middle, so far apart, as a share of the chart."""
        for kind, apart in (("touchStart", first), ("touchMove", (first + then) / 2), ("touchMove", then)):
            points = [
                {"x": box["x"] + box["width"] * (0.5 + side * apart / 2), "y": box["y"] + 90, "id": number}
                for number, side in enumerate((-1, 1))
            ]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    pinch(0.2, 0.6)
    expect(shown).to_contain_text("–")
    part = shown.inner_text()
    pinch(0.2, 0.4)
    assert shown.inner_text() not in {part, ""}
    pinch(0.8, 0.05)
    expect(shown).to_have_text("")


def test_amounts_are_blurred_from_the_menu_and_paper_shows_no_buttons(valued: Walker) -> None:
    page = valued.page
    page.locator("summary:visible", has_text="Ada").click()
    valued.press("Hide amounts")
    amount = page.locator(".stat__value .money").first
    page.mouse.move(0, 0)
    assert "blur" in str(amount.evaluate("(element) => getComputedStyle(element).filter"))
    valued.approve("amounts-hidden")
    page.emulate_media(media="print")
    assert page.locator(".button:visible").count() == 0
    expect(page.locator("h1")).to_be_visible()
