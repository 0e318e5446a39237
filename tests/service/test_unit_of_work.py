"""The one place that commits."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy import text

from mingus.auth.models import User
from mingus.db import db
from mingus.db import unit_of_work
from tests import factories

if TYPE_CHECKING:
    from flask import Flask


def rename(app: Flask, name: str) -> None:
    with app.app_context(), unit_of_work() as unit:
        unit.session.scalars(select(User)).one().display_name = name


def name_of(app: Flask) -> str:
    with app.app_context():
        return db.session.scalars(select(User.display_name)).one()


def test_a_failing_unit_leaves_nothing(app: Flask) -> None:
    factories.make_person(app)
    called: list[str] = []
    with app.app_context(), pytest.raises(ZeroDivisionError), unit_of_work() as unit:
        unit.session.scalars(select(User)).one().display_name = "half"
        unit.session.flush()  # so that there is something to roll back
        unit.after_commit(lambda: called.append("too early"))
        _ = 1 / 0
    assert name_of(app) == "Ada"
    assert called == []


def test_what_is_asked_for_after_the_commit_sees_it(app: Flask) -> None:
    factories.make_person(app)
    seen: list[str] = []
    with app.app_context(), unit_of_work() as unit:
        unit.after_commit(lambda: seen.append(name_of(app)))
        unit.session.scalars(select(User)).one().display_name = "Augusta"
    assert seen == ["Augusta"]


def test_units_do_not_nest(app: Flask) -> None:
    with app.app_context(), unit_of_work(), pytest.raises(RuntimeError), unit_of_work():
        pass


def test_a_unit_reads_anew_what_was_read_before_it(app: Flask) -> None:
    factories.make_person(app)
    with app.app_context():
        stale = db.session.scalars(select(User)).one()
        assert stale.display_name == "Ada"
        rename_elsewhere = threading.Thread(target=rename, args=(app, "Augusta"))
        rename_elsewhere.start()
        rename_elsewhere.join()
        with unit_of_work() as unit:
            assert unit.session.scalars(select(User)).one().display_name == "Augusta"


def test_readers_that_turn_writers_wait_for_each_other(app: Flask) -> None:
    """On SQLite a transaction that has read can't become a writing one: the unit begins anew."""
    factories.make_person(app)
    failures: list[BaseException] = []

    def read_then_write(number: int) -> None:
        try:
            with app.app_context():
                db.session.scalars(select(User)).one()
                for _ in range(10):
                    with unit_of_work() as unit:
                        unit.session.scalars(select(User)).one().display_name = f"Ada {number}"
        except BaseException as err:  # noqa: BLE001 (whatever it is, the test shows it)
            failures.append(err)

    threads = [threading.Thread(target=read_then_write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_sqlite_survives_power_loss_and_minds_its_keys(app: Flask) -> None:
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            return
        found = [
            db.session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert found == ["wal", 2, 1]
