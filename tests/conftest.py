"""Fixtures: the whole application on SQLite and on PostgreSQL, real commits, a clock that stands still."""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy import select

from mingus import config
from mingus import create_app
from mingus import schema
from mingus import tables
from mingus.auth.passwords import Passwords
from mingus.db import db
from mingus.jobs import InlineJobs
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.services import Services
from mingus.services import services
from mingus.simulator.config import Config
from mingus.transactions import merchantsums
from mingus.transactions import sums
from mingus.transactions.models import DaySum
from mingus.transactions.models import KeptMonth
from mingus.transactions.models import MonthSum
from mingus.transactions.models import YearSum
from tests.simulator.judged import judged
from tests.support import postgres
from tests.support.ambient import NOON
from tests.support.ambient import FrozenAmbient
from tests.support.bank import tell_plaid
from tests.support.browser import Browser as Client
from tests.support.chromium import PROGRAMS
from tests.support.chromium import NoChromium
from tests.support.chromium import close_chromium
from tests.support.chromium import shared_chromium
from tests.support.made import FOLDER_VARIABLE
from tests.support.made import share
from tests.support.rows import filled_tables
from tests.support.wordings import wrong_wordings

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

    from flask import Flask
    from playwright.sync_api import Browser
    from sqlalchemy import Connection

    from mingus.simulator.testing import Running

ROOT = Path(__file__).resolve().parent.parent
DATABASES = ("sqlite", "postgresql")
ENCRYPTION_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
WEB_ROLE = "mingus_test_web"
SESSION_KEY = "a-key-of-tests-only-0123456789-abcdef"
SUMMED = {model.__tablename__ for model in (PlaidTransaction, DaySum, MonthSum, YearSum)}
WORDED = {model.__tablename__ for model in (PlaidTransaction, TransactionChoice)}
SERVERS: list[postgres.Server] = []
SKIPPED_SUITES: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL for the whole run; parallel workers find it by its URL."""
    if hasattr(config, "workerinput"):
        return
    if not any(map(shutil.which, PROGRAMS)):
        SKIPPED_SUITES.append("browser suite: there is no Chromium on this machine")
    os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix="mingus-made-")
    if os.environ.get(postgres.URL_VARIABLE):
        return
    try:
        server = postgres.start()
    except postgres.NoPostgres as err:
        SKIPPED_SUITES.append(f"PostgreSQL suite: {err}")
        return
    SERVERS.append(server)
    os.environ[postgres.URL_VARIABLE] = server.url


def pytest_unconfigure(config: pytest.Config) -> None:
    close_chromium()
    while SERVERS:
        SERVERS.pop().stop()
        os.environ.pop(postgres.URL_VARIABLE, None)
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(FOLDER_VARIABLE), ignore_errors=True)


def chromium_or_skip() -> Browser:
    """The browser of this process; without one the suite is skipped, and that is said at the end."""
    try:
        return shared_chromium()
    except NoChromium as err:
        pytest.skip(str(err))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What could not run is said at the end, loudly."""
    for suite in SKIPPED_SUITES:
        terminalreporter.write_line(f"SKIPPED {suite}", red=True, bold=True)


def settings_for(folder: Path, database_url: str, **changes: str) -> config.Settings:
    """Settings as an operator would have them locally, with what a test changes."""
    wall = {"DATABASE_WEB_ROLE": WEB_ROLE} if database_url.startswith("postgresql") else {}
    return config.from_env(
        {
            **wall,
            "SESSION_SECRET_KEY": SESSION_KEY,
            "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": ENCRYPTION_KEY,
            "DATABASE_URL": database_url,
            "QUEUE_URL": f"sqlite:///{folder / 'queue.sqlite3'}",
            "MINGUS_DATA_DIR": str(share(folder)),
            "MINGUS_DEMO": "true",
            **changes,
        }
    )


def fresh_database(kind: str, folder: Path, name: str) -> str:
    """The URL of an empty database; skips where there is no PostgreSQL."""
    if kind == "sqlite":
        return f"sqlite:///{folder / f'{name}.sqlite3'}"
    url = os.environ.get(postgres.URL_VARIABLE)
    if not url:
        pytest.skip("no PostgreSQL on this machine")
    name = f"{name}_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    have_web_role(url)
    return url.rpartition("/")[0] + f"/{name}"


def have_web_role(url: str) -> None:
    """The role that members' requests take on; a server has it once for all its databases."""
    taken = (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation)
    with psycopg.connect(url, autocommit=True) as connection, suppress(*taken):
        connection.execute(f"CREATE ROLE {WEB_ROLE} NOLOGIN")


@pytest.fixture(scope="session", params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """Each test that needs a database runs on both kinds."""
    return str(request.param)


@pytest.fixture(scope="session")
def shared_plaid() -> Iterator[Running]:
    """One simulator for each process, its clock standing where ours stands."""
    config = Config(
        clock=f"frozen:{NOON.isoformat()}",
        initial_seconds=0,
        historical_seconds=0,
        signing_time="virtual",
    )
    with judged(config) as started:
        yield started


@pytest.fixture
def plaid(shared_plaid: Running) -> Iterator[Running]:
    """The simulated Plaid, empty and faultless again after each test."""
    yield shared_plaid
    tell_plaid(shared_plaid, "/control/reset", {})


@pytest.fixture(scope="session")
def shared_app(
    database: str, shared_plaid: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """One migrated application for each kind of database and process."""
    folder = tmp_path_factory.mktemp(database)
    app = create_app(
        settings_for(
            folder, fresh_database(database, folder, "mingus_test"), PLAID_HOST=shared_plaid.base_url
        ),
        ambient=FrozenAmbient(),
        jobs=InlineJobs(),
        passwords=Passwords(memory_kib=64),
    )
    app.test_client_class = Client
    with app.app_context():
        schema.upgrade(services())
        handlers = {kind: within(app, handler) for kind, handler in services().handlers().items()}
        services().jobs.bind(handlers)  # type: ignore[attr-defined]  # the queue of tests
    yield app
    with app.app_context():
        db.engine.dispose()


def within(app: Flask, handler: Callable[..., None]) -> Callable[..., None]:
    """`handler` in an application context of its own, as the worker runs it; failures reach the test."""

    def run(**ids: str) -> None:
        with app.app_context():
            handler(**ids)

    return run


def empty(app: Flask) -> None:
    """Delete every row."""
    with (
        app.app_context(),
        db.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection,
        connection.begin(),
        unguarded(connection),
    ):
        filled = filled_tables(connection)
        for table in reversed(tables.metadata().sorted_tables):
            if table.name in filled:
                connection.execute(table.delete())


@contextmanager
def unguarded(connection: Connection) -> Iterator[None]:
    """The audit trail's triggers out of the way: only the owner of a database can do that."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield
        return
    triggers = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_events'"
        " AND EXISTS (SELECT 1 FROM audit_events)"
    ).all()
    for name, _ in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _, made in triggers:
        connection.exec_driver_sql(made)


@pytest.fixture
def app(shared_app: Flask, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The application with an empty database, an empty queue and an empty outbox.

    Whatever a test does through the application leaves true sums of months behind, and rows that search finds.
    """
    with shared_app.app_context():
        wired = services()
    wired.ambient.reset()  # type: ignore[attr-defined]  # the frozen one
    wired.jobs.nudges.clear()  # type: ignore[attr-defined]  # the queue of tests
    wired.inbox.forget_held()
    for letter in wired.settings.outbox_dir.glob("*.eml"):
        letter.unlink()
    yield shared_app
    asked = request.node.get_closest_marker("past_sums") is None
    with shared_app.app_context():
        filled = filled_tables(db.session.connection())
        wrong = sums.wrong_months(db.session()) if filled & SUMMED else set()
        environment = services().settings.environment.value
        people = db.session.scalars(select(KeptMonth.user_id).distinct()).all()
        unspent = [merchantsums.wrong(db.session(), one, environment=environment) for one in people]
        unfound = wrong_wordings(db.session()) if filled & WORDED else []
        db.session.remove()
    empty(shared_app)
    assert not (any(unspent) and asked), "something changed what counts without touching its month"
    assert not (wrong and asked), "something changed rows without adding their months up anew"
    assert not unfound, "something changed what rows say without telling search"


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    """An application context, for tests that call services and queries."""
    with app.app_context():
        yield
        db.session.remove()


@pytest.fixture
def wired(context: None) -> Services:
    """The services of the application."""
    return services()


@pytest.fixture
def ambient(app: Flask) -> FrozenAmbient:
    with app.app_context():
        return services().ambient  # type: ignore[return-value]  # the frozen one


@pytest.fixture
def jobs(app: Flask) -> InlineJobs:
    with app.app_context():
        return services().jobs  # type: ignore[return-value]  # the queue of tests


@pytest.fixture
def browser(app: Flask) -> Client:
    return app.test_client()  # type: ignore[return-value]  # test_client_class says so


@pytest.fixture
def query_count(app: Flask) -> Iterator[list[str]]:
    """Every statement that the database is sent, as it is sent."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)
