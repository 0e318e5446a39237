"""MINGUS as an app on a device, and amounts that the person beside you needn't read."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import pytest

from mingus.web import appicon
from tests import factories

if TYPE_CHECKING:
    from flask import Flask

    from tests.support.browser import Browser


def test_the_manifest_names_the_app_and_icons_that_are_there(browser: Browser) -> None:
    answer = browser.get("/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    told = answer.get_json(force=True)
    assert (told["name"], told["start_url"], told["display"]) == ("MINGUS", "/", "standalone")
    assert {(one["sizes"], one["purpose"]) for one in told["icons"]} >= {
        ("192x192", "any"),
        ("512x512", "any"),
        ("512x512", "maskable"),
    }
    for icon in told["icons"]:
        picture = browser.get(icon["src"])
        size = struct.unpack(">II", picture.get_data()[16:24])
        assert (picture.mimetype, f"{size[0]}x{size[1]}") == ("image/png", icon["sizes"])
    for shortcut in told["shortcuts"]:
        assert browser.get(shortcut["url"]).status_code == 303


def test_every_page_leads_to_the_manifest(app: Flask, browser: Browser) -> None:
    window = factories.sign_in(app, factories.make_person(app))
    for page in (browser.get("/login"), window.get("/")):
        text = page.get_data(as_text=True)
        assert '<link rel="manifest" href="/manifest.webmanifest">' in text
        assert 'rel="apple-touch-icon"' in text


@pytest.mark.parametrize("icon", appicon.ICONS, ids=lambda icon: icon.path)
def test_an_icon_is_a_whole_picture_with_the_mark_in_it(icon: appicon.Icon) -> None:
    content = appicon.png(icon)
    start = content.index(b"IDAT") + 4
    length = struct.unpack(">I", content[start - 8 : start - 4])[0]
    pixels = zlib.decompress(content[start : start + length])
    line = 4 * icon.size + 1
    assert len(pixels) == line * icon.size

    def pixel(x: float, y: float) -> tuple[int, ...]:
        at = int(y * icon.size) * line + 1 + 4 * int(x * icon.size)
        return tuple(pixels[at : at + 4])

    assert pixel(0.0, 0.0)[3] == (255 if icon.full else 0)  # systems cut a full one themselves
    middle = 0.5 + (7.6 / 32 - 0.5) * icon.share
    assert pixel(middle, 0.5) == (255, 255, 255, 255)
    assert pixel(0.5, 0.9) == (*appicon.GROUND, 255)


def test_amounts_are_blurred_on_every_page_until_they_are_shown_again(app: Flask) -> None:
    ada = factories.make_person(app)
    here, there = factories.sign_in(app, ada), factories.sign_in(app, ada)
    assert 'data-amounts="hidden"' not in here.get("/").get_data(as_text=True)
    answer = here.submit("/settings/amounts", hide="1", next="/accounts?x=1")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/accounts?x=1")
    for window in (here, there):
        page = window.get("/accounts").get_data(as_text=True)
        assert 'data-amounts="hidden"' in page
        assert "Show amounts" in page
    here.submit("/settings/amounts")
    assert 'data-amounts="hidden"' not in there.get("/").get_data(as_text=True)


def test_the_way_back_never_leads_to_another_site(app: Flask) -> None:
    window = factories.sign_in(app, factories.make_person(app))
    answer = window.submit("/settings/amounts", hide="1", next="https://elsewhere.example/")
    assert answer.headers["Location"] == "/"
    assert window.get("/settings/amounts").status_code == 405
    assert window.post("/settings/amounts").status_code == 400
    assert app.test_client().post("/settings/amounts").status_code == 400
