"""What every answer has, and what no request gets: headers, errors, hosts, sizes, static files, health."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import brotli
import pytest
from sqlalchemy.exc import OperationalError

from mingus import readiness
from mingus.services import services
from mingus.web import errors
from tests import factories
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask

    from tests.support.browser import Browser

JSON = {"Accept": "application/json"}


def test_every_answer_carries_the_security_headers(browser: Browser) -> None:
    sheet = re.search(r'href="(/static/[^"]+\.css)"', browser.get("/").get_data(as_text=True))
    assert sheet is not None
    for url in ("/", "/nothing", "/login", "/healthz", sheet[1]):
        headers = browser.get(url).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'"), url
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers


def test_pages_allow_no_inline_script_or_style(browser: Browser) -> None:
    policy = browser.get("/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy


def test_private_pages_are_never_cached(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    assert browser.get("/settings").headers["Cache-Control"] == "no-store"


def test_static_files_have_their_version_in_the_path_and_are_kept_for_ever(browser: Browser) -> None:
    url = re.search(r'href="(/static/v-[0-9a-f]{12}/css/app\.css)"', browser.get("/").get_data(as_text=True))
    assert url is not None
    plain = browser.get(url[1])
    assert "immutable" in plain.headers["Cache-Control"]
    assert b"@import" not in plain.data, "one request, not thirty"
    packed = browser.get(url[1], headers={"Accept-Encoding": "br"})
    assert brotli.decompress(packed.data) == plain.data
    packed = browser.get(url[1], headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == plain.data
    assert browser.get(url[1].replace("/v-", "/v-0")).status_code == 404


@pytest.mark.parametrize("status", sorted(errors.WORDS))
def test_every_error_has_words_as_a_page_and_as_json(app: Flask, status: int) -> None:
    with app.test_request_context("/x"):
        app.preprocess_request()
        page = errors.answer(status).get_data(as_text=True)
        assert str(errors.WORDS[status].title) in text_of(errors.answer(status))
        assert "req_" in page
    with app.test_request_context("/x", headers=JSON):
        app.preprocess_request()
        answer = errors.answer(status)
        assert answer.status_code == status
        found = answer.get_json()
        assert found["success"] is False
        assert set(found["error"]) == {"code", "message", "request_id"}


def test_unknown_pages_and_wrong_methods_say_so(browser: Browser) -> None:
    assert browser.get("/nothing").status_code == 404
    wrong = browser.delete("/login")
    assert wrong.status_code in {400, 405}
    assert browser.get("/nothing", headers=JSON).get_json()["error"]["code"] == "not_found"
    assert browser.get("/settings", headers=JSON).status_code == 401


def test_a_foreign_host_is_refused(browser: Browser) -> None:
    for host in ("evil.test", "localhost.evil.test", "evil.test:5000"):
        assert browser.get("/", headers={"Host": host}).status_code == 400
    assert browser.get("/", headers={"Host": "localhost:5000"}).status_code == 200


def test_a_body_of_twenty_megabytes_is_refused(browser: Browser) -> None:
    answer = browser.post("/login", data={"email": "x" * (20 * 1024 * 1024)})
    assert answer.status_code == 413
    assert "Too large" in text_of(answer)


def test_a_failure_tells_the_request_id_and_nothing_else(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setitem(app.view_functions, "web.healthz", lambda: 1 / 0)
    answer = browser.get("/healthz")
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in answer.get_data(as_text=True)
    assert "ZeroDivision" not in answer.get_data(as_text=True)


def test_a_database_that_is_away_is_a_polite_503(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        msg = "select"
        raise OperationalError(msg, {}, Exception("database is locked"))

    monkeypatch.setitem(app.view_functions, "web.healthz", away)
    answer = browser.get("/healthz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Your data is safe" in text_of(answer)


def test_health_needs_nothing_and_readiness_needs_everything(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert browser.get("/healthz").get_json() == {"status": "ok"}
    ready = browser.get("/readyz")
    assert (ready.status_code, ready.get_json()["database"], ready.get_json()["queue"]) == (200, "ok", "ok")
    monkeypatch.setattr(readiness, "_database_answers", lambda: False)
    assert browser.get("/readyz").status_code == 503
    assert browser.get("/healthz").status_code == 200


def test_readiness_counts_the_rows_that_wait_for_a_worker(app: Flask, browser: Browser) -> None:
    browser.submit("/forgot", email=factories.ADA)
    with app.app_context():
        services().jobs.nudges.clear()  # type: ignore[attr-defined]  # the queue of tests
    assert browser.get("/readyz").get_json()["rows_waiting"] == 1


def test_no_secret_reaches_the_log(app: Flask, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    factories.make_person(app)
    browser.submit("/login", email=factories.ADA, password=factories.PASSWORD)
    browser.submit("/forgot", email=factories.ADA)
    browser.get("/reset/a-secret-token-of-a-link")
    ours = [record for record in caplog.records if record.name.startswith("mingus")]
    written = "\n".join(f"{record.getMessage()} {vars(record)}" for record in ours)
    assert "request" in written
    for secret in (factories.PASSWORD, factories.ADA, "a-secret-token-of-a-link"):
        assert secret not in written
