"""A SQLite file that is locked, full or read-only: pages are read, changes are refused politely, nothing is lost."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from mingus import db as database
from mingus.db import db
from mingus.webhooks.models import WebhookEvent
from tests.support.signing import Signer
from tests.support.signing import deliver
from tests.support.signing import hook

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.faults.conftest import Opener
    from tests.faults.conftest import Site

    Trouble = Callable[[Site], AbstractContextManager[None]]


@pytest.fixture
def site(opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MILLISECONDS", 150)  # ten seconds, when it is real
    return opened(f"sqlite:///{tmp_path / 'troubled.sqlite3'}")


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Another program holds the write lock."""
    path = site.wired.settings.database_url.removeprefix("sqlite:///")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    yield
    holder.execute("ROLLBACK")
    holder.close()


@contextmanager
def full(site: Site) -> Iterator[None]:
    """The file may not grow any more."""
    with on_every_connection(site, "max_page_count=1", "max_page_count=1073741823"):
        yield


@contextmanager
def read_only(site: Site) -> Iterator[None]:
    with on_every_connection(site, "query_only=ON", "query_only=OFF"):
        yield


@contextmanager
def on_every_connection(site: Site, pragma: str, undo: str) -> Iterator[None]:
    wanted = [pragma]

    def apply(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA {wanted[0]}").close()

    with site.app.app_context():
        engine = db.engine
    event.listen(engine, "checkout", apply)
    yield
    wanted[0] = undo  # connections in the pool carry the harm along, so each is asked once more


UNWRITABLE = pytest.mark.parametrize("trouble", [locked, read_only], ids=["locked", "read-only"])
TROUBLES = pytest.mark.parametrize("trouble", [locked, full, read_only], ids=["locked", "full", "read-only"])


@TROUBLES
def test_pages_are_read_meanwhile(site: Site, trouble: Trouble) -> None:
    site.wired.ambient.advance(minutes=5)  # type: ignore[attr-defined]  # so that the visit would be noted
    with trouble(site):
        for page in ("/", "/accounts", "/transactions", "/reports"):
            assert site.browser.get(page, follow_redirects=True).status_code == 200, page
    assert site.browser.get("/readyz").status_code == 200


@UNWRITABLE
def test_changes_and_webhooks_are_refused_with_a_time_to_come_back(site: Site, trouble: Trouble) -> None:
    with site.app.app_context():
        signer = Signer().make_known()
        db.session.remove()
    body = hook("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-of-nobody")
    with trouble(site):
        refused = site.browser.submit("/logout")
        webhook = deliver(site.app.test_client(), body, signer.sign(body))  # type: ignore[arg-type]  # test_client_class says so
    for answer in (refused, webhook):
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert "Traceback" not in answer.get_data(as_text=True)
    assert deliver(site.app.test_client(), body, signer.sign(body)).status_code == 200  # type: ignore[arg-type]  # test_client_class says so
    with site.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(WebhookEvent)) == 1


@TROUBLES
def test_a_sync_that_can_not_write_leaves_the_old_ledger_and_reaches_the_truth_later(
    site: Site, trouble: Trouble
) -> None:
    bank = site.bank
    assert bank is not None
    with site.app.app_context():
        before = bank.rows()
        for _ in range(40):  # more than the free room inside a full file
            bank.do("spend", amount=5)
        db.session.remove()
    with site.app.app_context(), trouble(site), pytest.raises(OperationalError):
        bank.sync()
    with site.app.app_context():
        assert bank.rows() == before
        site.wired.ambient.advance(minutes=2)  # type: ignore[attr-defined]  # the lease of the one that failed
        bank.sync()
        bank.assert_true()
        assert bank.rows() != before


def test_a_full_disk_takes_what_fits_and_acknowledges_nothing_else(site: Site) -> None:
    with site.app.app_context():
        signer = Signer().make_known()
        db.session.remove()
    client, statuses = site.app.test_client(), []
    with full(site):
        for number in range(60):
            body = hook("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", f"item-{number}", padding="x" * 2000)
            statuses.append(deliver(client, body, signer.sign(body)).status_code)  # type: ignore[arg-type]  # test_client_class says so
    assert set(statuses) == {200, 503}
    with site.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(WebhookEvent)) == statuses.count(200)
        assert db.session.scalar(text("PRAGMA integrity_check")) == "ok"


@UNWRITABLE
def test_nobody_gets_in_uncounted(site: Site, trouble: Trouble) -> None:
    stranger = site.app.test_client()
    with trouble(site):
        tried = stranger.submit("/login", email="ada@mingus.test", password="a guess")  # type: ignore[attr-defined]  # a Browser
    assert tried.status_code == 503
