"""Spans: nested as the work was, sent where the operator said, and nothing about anybody in them."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING
from typing import get_type_hints

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import select

from mingus import tracing
from mingus.db import db
from mingus.jobs import JobKind
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidAccount
from mingus.worker import in_app
from tests import factories
from tests.factories import ADA
from tests.functional.test_startup import run
from tests.support.bank import break_calls
from tests.support.connected import Bank

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from opentelemetry.sdk.trace import ReadableSpan

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient

WORD = "quince-marmalade"
OFF = """
import sys
from mingus import tracing
from wsgi import app
with tracing.span("job sync", job="sync"):
    print(app.test_client().get("/healthz").status_code)
ours = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf")  # redis asks for the metrics of it
print([name for name in sys.modules if name.startswith(ours)])
"""
NOT_INSTALLED = """
import sys
sys.modules["opentelemetry"] = None
from mingus.worker import main
main()
"""
ONE_REQUEST = f"""
from wsgi import app
app.test_client().get("/healthz?q={WORD}")
"""


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What is told in this test."""
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(tracing, "_tracer", None)
    tracing.send_to(SimpleSpanProcessor(exporter), environment="simulator")
    return exporter


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a collector, and what it was sent."""
    sent: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(self.path.encode() + self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", sent
        server.shutdown()
        thread.join()


def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    """The only span of this name."""
    (found,) = [span for span in spans.get_finished_spans() if span.name == name]
    return found


def facts(span: ReadableSpan) -> dict[str, object]:
    return {name.removeprefix(tracing.PREFIX): value for name, value in (span.attributes or {}).items()}


def is_within(inner: ReadableSpan, outer: ReadableSpan) -> bool:
    return (
        inner.parent is not None
        and outer.context is not None
        and inner.parent.span_id == outer.context.span_id
    )


def synced_by_the_worker(app: Flask, bank: Bank) -> str:
    """A sync as the worker runs it; its id."""
    sync_id = bank.wired.sync.request(bank.connection_id, Trigger.SCHEDULE)
    db.session.rollback()
    handler = bank.wired.handlers()[JobKind.SYNC]
    in_app(app, handler, JobKind.SYNC.value)(connection_id=bank.connection_id)
    return sync_id


@pytest.fixture
def bank(app: Flask, wired: Services, plaid: Running, jobs: InlineJobs) -> Bank:
    return Bank(wired, plaid, jobs, factories.make_person(app))


def test_without_its_setting_nothing_is_told_or_even_loaded(tmp_path: Path) -> None:
    done = run(tmp_path, "-c", OFF)
    assert done.stdout.split("\n")[:2] == ["200", "[]"], done.stderr


def test_an_address_without_the_extra_is_one_clear_line(tmp_path: Path) -> None:
    refused = run(tmp_path, "-c", NOT_INSTALLED, MINGUS_OTLP_URL="http://localhost:4318/v1/traces")
    assert refused.returncode == 2
    assert "pip install 'mingus[tracing]'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_spans_of_another_machine_travel_encrypted(tmp_path: Path) -> None:
    refused = run(tmp_path, "-m", "mingus.worker", MINGUS_OTLP_URL="http://collector.example/v1/traces")
    assert refused.returncode == 2
    assert "MINGUS_OTLP_URL: 'http://collector.example/v1/traces' must begin with https://" in refused.stderr


def test_what_was_told_reaches_the_collector_before_the_process_ends(
    tmp_path: Path, collector: tuple[str, list[bytes]]
) -> None:
    url, sent = collector
    done = run(tmp_path, "-c", ONE_REQUEST, MINGUS_OTLP_URL=url)
    assert done.returncode == 0, done.stderr
    (batch,) = sent
    assert batch.startswith(b"/v1/traces")
    assert b"GET /healthz" in batch
    assert WORD.encode() not in batch


def test_a_request_is_told_with_the_calls_in_it(
    app: Flask, plaid: Running, spans: InMemorySpanExporter
) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    answer = browser.send_json("/api/plaid/link-token", {})
    request, call = named(spans, "POST /api/plaid/link-token"), named(spans, "plaid /link/token/create")
    assert facts(request) == {
        "method": "POST",
        "route": "/api/plaid/link-token",
        "request_id": answer.headers["X-Request-Id"],
        "status": answer.status_code,
    }
    assert is_within(call, request)
    assert facts(call).keys() == {"endpoint", "plaid_request_id"}
    assert request.parent is None


def test_each_request_is_a_trace_of_its_own(app: Flask, spans: InMemorySpanExporter) -> None:
    for _ in range(2):
        app.test_client().get("/no/such/page")
    first, second = spans.get_finished_spans()
    assert (first.name, facts(first)["status"]) == ("GET none", 404)
    assert (first.parent, second.parent) == (None, None)


def test_a_sync_is_told_within_its_job_and_around_its_calls(
    app: Flask, bank: Bank, ambient: FrozenAmbient, spans: InMemorySpanExporter
) -> None:
    bank.spend_often(3)
    ambient.advance(minutes=90)
    spans.clear()
    sync_id = synced_by_the_worker(app, bank)
    job, sync = named(spans, "job sync"), named(spans, "sync")
    assert facts(job) == {"job": "sync", "outcome": "done"}
    assert is_within(sync, job)
    assert facts(sync) == {
        "connection_id": bank.connection_id,
        "sync_log_id": sync_id,
        "outcome": "success",
        "added": 3,
        "modified": 0,
        "removed": 0,
        "parked": 0,
        "quarantined": 0,
    }
    for endpoint in ("/transactions/sync", "/accounts/get"):
        assert is_within(named(spans, f"plaid {endpoint}"), sync)


def test_a_sync_that_finds_nothing_is_told_as_a_good_one(
    app: Flask, bank: Bank, spans: InMemorySpanExporter
) -> None:
    spans.clear()
    synced_by_the_worker(app, bank)
    assert facts(named(spans, "sync"))["outcome"] == "success"


def test_a_failure_is_told_by_its_code(
    app: Flask, bank: Bank, plaid: Running, spans: InMemorySpanExporter
) -> None:
    break_calls(plaid, "error", "/transactions/sync", code="ITEM_LOGIN_REQUIRED")
    spans.clear()
    synced_by_the_worker(app, bank)
    sync, call = named(spans, "sync"), named(spans, "plaid /transactions/sync")
    assert facts(sync)["outcome"] == "failed"
    assert {facts(span)["error_code"] for span in (sync, call)} == {"ITEM_LOGIN_REQUIRED"}
    assert not sync.status.is_ok
    assert not call.status.is_ok


def test_a_job_that_breaks_leaves_the_class_of_its_exception_alone(
    app: Flask, spans: InMemorySpanExporter
) -> None:
    def breaks() -> None:
        raise ValueError(WORD)

    in_app(app, breaks, "sync")()
    job = named(spans, "job sync")
    assert facts(job) == {"job": "sync", "outcome": "failed", "failure": "ValueError"}
    assert (job.status.is_ok, job.status.description, job.events) == (False, None, ())


def test_nothing_about_a_person_is_told(
    app: Flask, spans: InMemorySpanExporter, bank: Bank, ambient: FrozenAmbient
) -> None:
    bank.spend_often(3)
    ambient.advance(minutes=90)
    synced_by_the_worker(app, bank)
    connection = bank.connection()
    browser = factories.sign_in(app, connection.user_id)
    for path in (f"/transactions?q={WORD}", f"/forgot/{WORD}", "/", f"/{WORD}"):
        browser.get(path)
    browser.submit("/login", email=ADA, password=WORD)
    accounts = db.session.scalars(select(PlaidAccount)).all()
    rows = db.session.scalars(select(PlaidTransaction)).all()
    private = {ADA, "Ada", WORD, "127.0.0.1", "localhost", connection.user_id, connection.institution_name}
    private |= {connection.plaid_item_id, bank.wired.connections.token(connection)}
    private |= {text for account in accounts for text in (account.name, account.plaid_account_id)}
    private |= {row.name for row in rows} | {f"{abs(row.amount_minor) / 100:.2f}" for row in rows}
    assert len(private) > 15
    told = [
        (span.name, facts(span), span.events, span.status.description) for span in spans.get_finished_spans()
    ]
    assert len(told) > 10
    allowed = get_type_hints(tracing.Facts)
    for name, said, events, description in told:
        assert said.keys() <= allowed.keys()
        numbers = {fact for fact, value in said.items() if isinstance(value, int)}
        assert numbers <= {"status", "added", "modified", "removed", "parked", "quarantined"}
        text = " ".join([name, *map(str, said.values())])
        assert not {word for word in private if word in text}
        assert (events, description) == ((), None)
