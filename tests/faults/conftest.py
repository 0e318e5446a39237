"""Installations of their own, whose stores can be harmed without harming other tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from mingus import create_app
from mingus import schema
from mingus.auth.passwords import Passwords
from mingus.db import db
from mingus.jobs import InlineJobs
from mingus.services import Services
from mingus.services import services
from tests import factories
from tests.conftest import settings_for
from tests.conftest import within
from tests.support.ambient import FrozenAmbient
from tests.support.browser import Browser as Client
from tests.support.synced import SyncedBank

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from mingus.jobs import Jobs
    from mingus.simulator.testing import Running
    from tests.support.browser import Browser

    Opener = Callable[..., "Site"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One installation, with Ada signed in and a bank of hers."""

    app: Flask
    wired: Services
    browser: Browser
    bank: SyncedBank | None


@pytest.fixture
def opened(plaid: Running, tmp_path: Path) -> Iterator[Opener]:
    """Opens an installation on a given database; `jobs` is a queue of tests unless told otherwise."""
    apps: list[Flask] = []

    def open_site(url: str, *, jobs: Jobs | None = None, bank: bool = True, **changes: str) -> Site:
        queue = jobs or InlineJobs()
        app = create_app(
            settings_for(tmp_path, url, PLAID_HOST=plaid.base_url, **changes),
            ambient=FrozenAmbient(),
            jobs=queue,
            passwords=Passwords(memory_kib=64),
        )
        app.test_client_class = Client
        apps.append(app)
        with app.app_context():
            schema.upgrade(services())
            wired = services()
        if isinstance(queue, InlineJobs):
            queue.bind({kind: within(app, handler) for kind, handler in wired.handlers().items()})
        ada = factories.make_person(app)
        with app.app_context():
            found = SyncedBank(wired, plaid, queue, ada) if bank and isinstance(queue, InlineJobs) else None
            db.session.remove()
        return Site(app=app, wired=wired, browser=factories.sign_in(app, ada), bank=found)

    yield open_site
    for app in apps:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
