"""Mail: rows first; a dead server delays it, nothing loses or doubles it."""

from __future__ import annotations

import smtplib
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.mail import MAX_ATTEMPTS
from mingus.mail import OutgoingMail
from mingus.worker import sweep_once
from tests import factories
from tests.factories import ADA

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.mail import Letter
    from mingus.services import Services
    from tests.support.ambient import FrozenAmbient


def write(wired: Services) -> None:
    with unit_of_work() as unit:
        wired.mail.write(unit, "password_changed", ADA, name="Ada", at=wired.ambient.now())


def row() -> OutgoingMail:
    db.session.rollback()
    return db.session.scalars(select(OutgoingMail)).one()


class DeadServer:
    """Refuses every letter."""

    def carry(self, letter: Letter) -> None:
        raise smtplib.SMTPServerDisconnected(letter.id)


def test_a_letter_is_carried_once_and_its_text_is_forgotten(
    app: Flask, wired: Services, jobs: InlineJobs
) -> None:
    write(wired)
    mail_id = row().id
    jobs.run_all()
    wired.mail.deliver(mail_id)
    assert len(factories.letters(app)) == 1
    assert (row().body, row().attempts) == ("", 1)
    assert row().sent_at is not None


def test_a_mail_of_a_failed_unit_never_leaves(wired: Services, jobs: InlineJobs) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work() as unit:
        wired.mail.write(unit, "password_changed", ADA, name="Ada", at=wired.ambient.now())
        _ = 1 / 0
    assert jobs.waiting() == 0
    assert db.session.scalars(select(OutgoingMail)).all() == []


def test_a_lost_nudge_is_found_by_the_sweep(app: Flask, wired: Services, jobs: InlineJobs) -> None:
    write(wired)
    jobs.nudges.clear()
    assert sweep_once(wired) == 1
    jobs.run_all()
    assert len(factories.letters(app)) == 1
    db.session.rollback()  # a later sweep reads anew
    assert sweep_once(wired) == 0


def test_a_dead_server_delays_mail_with_growing_patience(
    app: Flask, wired: Services, jobs: InlineJobs, ambient: FrozenAmbient, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = wired.mail._post
    monkeypatch.setattr(wired.mail, "_post", DeadServer())
    write(wired)
    jobs.run_all()
    assert row().failure == "SMTPServerDisconnected"
    assert sweep_once(wired) == 0, "not yet due again"
    ambient.advance(seconds=61)
    monkeypatch.setattr(wired.mail, "_post", alive)
    assert sweep_once(wired) == 1
    jobs.run_all()
    assert len(factories.letters(app)) == 1
    assert row().failure is None


def test_after_many_tries_a_letter_is_given_up_and_stays_visible(
    wired: Services, jobs: InlineJobs, ambient: FrozenAmbient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wired.mail, "_post", DeadServer())
    write(wired)
    for _ in range(MAX_ATTEMPTS + 3):
        ambient.advance(hours=5)
        sweep_once(wired)
        jobs.run_all()
    assert (row().attempts, row().next_try_at, row().sent_at) == (MAX_ATTEMPTS, None, None)
