"""What browsers are told with every answer, what they tell back, and bank names that would like to be scripts."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import TYPE_CHECKING
from typing import Any

import pytest
from flask import url_for
from sqlalchemy import update

from mingus.auth.models import Role
from mingus.browserreports import MOST_A_DAY
from mingus.browserreports import BrowserReport
from mingus.browserreports import Refusal
from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.models import PlaidInstitution
from mingus.services import services
from tests import factories
from tests.attacks import world
from tests.support.browser import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from mingus.db import Base
    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
FORMULAS = ('=HYPERLINK("http://evil.test")', "+1+1", "-2", "@SUM(A1)", "\t=1", "\uff1d1+1")


def report(**body: str) -> dict[str, Any]:
    return {"csp-report": {"violated-directive": "script-src-elem", "blocked-uri": "inline", **body}}


def send(browser: Browser, said: object, kind: str = "application/csp-report") -> int:
    return browser.post("/browser-reports", data=json.dumps(said), content_type=kind).status_code


def rows() -> list[tuple[str, str, str, int]]:
    return [(one.directive, one.blocked, one.page, one.times) for one in services().browser_reports.recent()]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/login", 200),
        ("/nothing", 404),
        ("/settings", 303),
        ("/api/plaid/accounts", 401),
        ("/reset/x", 400),
        ("/healthz", 200),
    ],
)
def test_every_answer_carries_the_whole_set(browser: Browser, path: str, status: int) -> None:
    answer = browser.get(path)
    assert answer.status_code == status
    for name, value in ALWAYS.items():
        assert answer.headers[name] == value
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Reporting-Endpoints"] == 'browser="/browser-reports"'


def test_a_failure_of_ours_and_a_file_carry_it_too(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = browser.get("/login").get_data(as_text=True)
    sheet = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    monkeypatch.setitem(app.view_functions, "web.healthz", lambda: 1 / 0)
    for answer in (browser.get(sheet), browser.get("/healthz"), browser.put("/login")):
        for name, value in ALWAYS.items():
            assert answer.headers[name] == value


def test_only_the_pages_that_link_a_bank_let_plaid_in(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    assert "frame-src" in browser.get("/connect").headers["Content-Security-Policy"]
    assert "frame-src" not in browser.get("/accounts").headers["Content-Security-Policy"]


def test_both_shapes_of_reports_are_counted(app: Flask, browser: Browser) -> None:
    assert send(browser, report(**{"document-uri": "http://localhost/reset/secret-link"})) == 204
    modern = {
        "type": "csp-violation",
        "body": {
            "effectiveDirective": "script-src-elem",
            "blockedURL": "inline",
            "documentURL": "http://localhost/reset/another-secret",
        },
    }
    assert send(browser, [modern, {"type": "deprecation", "body": {}}], "application/reports+json") == 204
    with app.app_context():
        assert rows() == [("script-src-elem", "inline", "/reset/<token>", 2)]


def test_nothing_of_a_person_is_kept(app: Flask, browser: Browser) -> None:
    send(
        browser,
        report(**{"blocked-uri": "https://evil.test/ada@mingus.test?q=1", "document-uri": "/accounts/acc_1"}),
    )
    with app.app_context():
        assert rows() == [("script-src-elem", "https://evil.test", "/accounts/<account_id>", 1)]


@pytest.mark.parametrize(
    ("said", "kind", "status"),
    [
        ("x" * 20_000, "application/csp-report", 413),
        ({"csp-report": 7}, "application/csp-report", 204),
        ([1, None, {"type": 3}], "application/reports+json", 204),
        (report(**{"violated-directive": "<script>"}), "application/csp-report", 204),
        ({}, "text/plain", 415),
        (7, "application/json", 204),
    ],
)
def test_nonsense_is_not_kept(app: Flask, browser: Browser, said: object, kind: str, status: int) -> None:
    assert send(browser, said, kind) == status
    with app.app_context():
        assert rows() == []


def test_reports_are_limited_by_network_and_by_day(
    app: Flask, browser: Browser, ambient: FrozenAmbient
) -> None:
    codes = [send(browser, report(**{"blocked-uri": f"https://n{number}.test"})) for number in range(31)]
    assert codes == [204] * 30 + [429]
    with app.app_context():
        for number in range(MOST_A_DAY):
            one = Refusal(directive="img-src", blocked=f"https://m{number}.test", page="/")
            services().browser_reports.note([one], network=f"net {number}")
        assert len(rows()) == MOST_A_DAY
        ambient.advance(days=40)
        services().browser_reports.forget_old()
        assert db.session.query(BrowserReport).count() == 0


def test_admins_see_them_and_members_do_not(app: Flask, browser: Browser) -> None:
    send(browser, report())
    admin = factories.sign_in(app, factories.make_person(app, factories.CLEO, role=Role.ADMIN))
    assert "script-src-elem" in text_of(admin.get("/admin/browser-reports"))
    assert factories.sign_in(app, factories.make_person(app)).get("/admin/browser-reports").status_code == 404


def speak(app: Flask, words: str) -> None:
    """Let every bank say this wherever a bank has a say."""
    with app.app_context(), unit_of_work() as unit:
        for model, columns in (
            (PlaidInstitution, ("name",)),
            (PlaidConnection, ("institution_name",)),
            (PlaidAccount, ("name", "official_name")),
            (PlaidTransaction, ("name", "merchant_name")),
        ):
            unit.session.execute(update(model).values(dict.fromkeys(columns, words) | keyless(model)))


def keyless(model: type[Base]) -> dict[str, None]:
    """What is written past the application is not yet found by its words."""
    return {"wording": None} if model is PlaidTransaction else {}


def pages_of(app: Flask, here: world.World, *, of_admins: bool) -> list[str]:
    """Every page, those of one row with the row's id."""
    ids = {**here.ids, "user_id": here.ada, "person_id": here.ada}
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            wanted = "GET" in (rule.methods or ()) and rule.rule.startswith("/admin") is of_admins
            if wanted and rule.arguments <= set(ids):
                values: dict[str, Any] = {name: ids[name] for name in rule.arguments}
                found.append(url_for(rule.endpoint, **values))
    return found


@pytest.mark.past_sums
@pytest.mark.parametrize("role", Role)
def test_a_banks_words_are_never_scripts(app: Flask, plaid: Running, jobs: InlineJobs, role: Role) -> None:
    here = world.make_world(app, plaid, jobs)
    speak(app, SCRIPT[:60])
    admin = role is Role.ADMIN
    person = factories.make_person(app, factories.CLEO, role=role) if admin else here.ada
    browser = factories.sign_in(app, person)
    met = []
    for path in pages_of(app, here, of_admins=admin):
        if "logout" in path:
            continue
        answer = browser.get(path)
        if answer.mimetype == "text/html":
            html = answer.get_data(as_text=True)
            assert "<script>alert" not in html, path
            assert "<img src=x" not in html, path
            if "&lt;script&gt;alert" in html:
                met.append(path)
    assert len(met) > (2 if admin else 9), met


def csv_files(browser: Browser) -> Iterator[tuple[str, str]]:
    """Every table that a person can take away."""
    yield "export.csv", browser.get("/transactions/export.csv").get_data(as_text=True)
    with zipfile.ZipFile(io.BytesIO(browser.get("/settings/data/everything.zip").data)) as parts:
        for name in parts.namelist():
            if name.endswith(".csv"):
                yield name, parts.read(name).decode()


@pytest.mark.past_sums
def test_a_banks_words_are_never_formulas(app: Flask, plaid: Running, jobs: InlineJobs) -> None:
    here = world.make_world(app, plaid, jobs)
    browser = factories.sign_in(app, here.ada)
    for formula in FORMULAS:
        speak(app, formula)
        seen = 0
        for name, text in csv_files(browser):
            lines = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
            values = [
                str(value) for line in lines for key, value in line.items() if key != "amount" and value
            ]
            assert not {value[:1] for value in values} & {"=", "+", "-", "@", "\t", "\uff1d"}, (name, formula)
            seen += any(formula.strip() in value for value in values)
        assert seen > 1, "the words were taken away"
