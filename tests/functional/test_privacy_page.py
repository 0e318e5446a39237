"""The privacy page says what this installation really does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mingus.services import services
from tests.support.browser import text_of

if TYPE_CHECKING:
    import pytest
    from flask import Flask

    from tests.support.browser import Browser


def test_anybody_may_read_it_and_the_start_page_leads_there(browser: Browser) -> None:
    assert browser.get("/privacy").status_code == 200
    assert 'href="/privacy"' in browser.get("/login").get_data(as_text=True)


def test_it_tells_the_settings_in_force(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        settings = type(services().settings)
    monkeypatch.setattr(settings, "keep_webhooks_days", 77)
    monkeypatch.setattr(settings, "keep_backups", 3)
    page = text_of(browser.get("/privacy"))
    assert "webhooks said: 77 days" in page
    assert "the newest 3 are kept" in page
    assert "after 30 minutes without use or 12 hours" in page
