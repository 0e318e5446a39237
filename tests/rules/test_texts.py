"""Every text of ours is there in every language, whole; and a page in another language shows none of our English."""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.pofile import read_po

from mingus.auth.models import Role
from mingus.auth.models import User
from mingus.money import Money
from mingus.money import official
from mingus.plaid.failures import PlaidFailure
from mingus.services import services
from tests import factories
from tests.support.books import Desk
from tests.support.connected import Bank
from translations.extract import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from babel.messages.catalog import Catalog
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running
    from tests.support.browser import Browser

FILES = sorted((Path(__file__).resolve().parents[2] / "translations").glob("*/LC_MESSAGES/messages.po"))
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|(%%n)|(#)")


@cache
def said() -> Catalog:
    return catalog()


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def forms(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, tuple | list) else (str(text or ""),)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])
def test_no_text_is_missing_and_none_is_left_over(path: Path) -> None:
    known = read(path)
    wanted = {forms(message.id) for message in said() if message.id}
    assert {forms(message.id) for message in known if message.id} == wanted, "run: make texts"
    untold = [message.id for message in known if message.id and not all(forms(message.string))]
    assert untold == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])
def test_no_translation_loses_or_invents_a_placeholder(path: Path) -> None:
    for message in read(path):
        if not message.id:
            continue
        ids = forms(message.id)
        for number, form in enumerate(forms(message.string)):
            wanted = PLACEHOLDER.findall(ids[min(number, len(ids) - 1)])
            assert sorted(PLACEHOLDER.findall(form)) == sorted(wanted), form


PAGES = (
    "/",
    "/accounts",
    "/accounts/new",
    "/connect",
    "/transactions",
    "/transactions?q=zzz&direction=in",
    "/transactions?sort=largest&hidden=1",
    "/reports/net-worth",
    "/reports/cash-flow",
    "/reports/spending",
    "/reports/merchants",
    "/reports/recurring",
    "/activity",
    "/notices",
    "/settings",
    "/settings/rules",
    "/settings/rules/new",
    "/settings/categories",
    "/settings/categories/new",
    "/settings/password",
    "/settings/devices",
    "/settings/tokens",
    "/settings/data",
    "/settings/security",
    "/settings/history",
    "/settings/notifications",
    "/admin",
    "/admin/syncs",
    "/admin/webhooks",
    "/admin/connections",
    "/nowhere",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class English:
    """Our texts whose Spanish is another; what fills the gaps of those that have some may be anything."""

    whole: frozenset[str]
    gapped: re.Pattern[str]

    def __contains__(self, words: str) -> bool:
        return words in self.whole or self.gapped.fullmatch(words) is not None


def english() -> English:
    whole, gapped = set(), []
    for message in read(next(path for path in FILES if path.parts[-3] == "es")):
        for one, other in zip(forms(message.id), forms(message.string), strict=False):
            if not message.id or one == other or not re.search("[a-z]{3}", PLACEHOLDER.sub("", one)):
                continue
            parts = re.split(r"%\(\w+\)[sd]", one.replace("%%", "%"))
            if len(parts) > 1:
                gapped.append(".+?".join(map(re.escape, parts)))
            else:
                whole.add(" ".join(one.split()))
    return English(whole=frozenset(whole), gapped=re.compile("|".join(gapped)))


def test_english_of_ours_is_recognised() -> None:
    ours = english()
    assert "Newest transactions" in ours
    assert "1,203 transactions so far." in ours
    assert "Movimientos más nuevos" not in ours


def words_of(page: str) -> Iterator[str]:
    """What a person reads or hears of a page, piece by piece."""
    page = re.sub(r"<(script|pre|code)\b.*?</\1>", "", page, flags=re.DOTALL)
    page = re.sub(
        r"(<tbody>(?:.*?</tr>){3}).*?(?=</tbody>)", r"\1", page, flags=re.DOTALL
    )  # the rest is alike
    page = re.sub(r'<rect class="plot__hit".*?</rect>', "", page)
    for text in re.findall(r">([^<>]+)<", page):
        yield " ".join(html.unescape(text).split())
    for text in re.findall(r'\b(?:aria-label|placeholder|title|alt)="([^"]+)"', page):
        yield " ".join(html.unescape(text).split())


@pytest.fixture
def reader(app: Flask, plaid: Running, jobs: InlineJobs) -> Browser:
    """A Spanish reader with a bank that needs them, things kept by hand, and a file brought."""
    owner = factories.make_person(app, role=Role.ADMIN)
    desk = Desk(app, owner)
    with app.app_context():
        wired = services()
        bank = Bank(wired, plaid, jobs, owner, username="user_household")
        today = wired.ambient.today("UTC")
        dollar = official("USD")
        old = wired.manual.add(
            owner,
            name="Cartera",
            kind="cash",
            currency=dollar,
            value=Money(minor=500, currency=dollar),
            on=today,
        )
        lines = "\n".join(f"{today - dt.timedelta(days=number)},Pan {number},-1.50" for number in range(3))
        text = f"Fecha,Concepto,Importe\n{lines}\nnunca,?,?\n"
        wired.imports.take_up(owner, old, name="a.csv", content=text.encode(), order="ymd", decimal=".")
        wired.connections.note_failure(bank.connection_id, PlaidFailure("ITEM_LOGIN_REQUIRED"), cause="test")
    person = desk.read(User, owner)
    assert person is not None
    window = factories.sign_in(app, owner)
    window.submit(
        "/settings",
        display_name="Ada",
        time_zone="UTC",
        language="es",
        region="ES",
        currency="EUR",
        theme="system",
    )
    return window


def test_a_spanish_reader_meets_no_english_of_ours(reader: Browser) -> None:
    ours = english()
    entries = re.findall(r'href="(/transactions/txn_[^"?#]+)"', reader.get("/").text)[:2]
    accounts = list(dict.fromkeys(re.findall(r'href="(/accounts/acc_\w+)"', reader.get("/accounts").text)))
    by_hand = [f"{accounts[-1]}/{part}" for part in ("import", "values", "delete", "edit")]
    file = re.findall(r'href="(/imports/imp_\w+)"', reader.get(by_hand[0]).text)
    found: list[str] = []
    seen: set[str] = set()
    for path in (*PAGES, *entries, *accounts, *by_hand, *file):
        page = reader.get(path).text
        assert '<html lang="es' in page, path
        new = set(words_of(page)) - seen
        seen |= new
        found += [f"{path}: {words}" for words in new if words in ours]
    assert found == []


def test_figures_dates_and_counts_are_written_as_in_spain(reader: Browser) -> None:
    page = reader.get("/reports/net-worth").text
    assert re.search(r"\d{1,3}(\.\d{3})+,\d{2}\s", html.unescape(page))
    assert re.search(r"\b(ene|feb|mar|abr|may)\b", page)
