"""Rows for tests: valid by default, one override a call. Ada owns, Ben is a stranger, Cleo is an admin."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus.auth.models import Role
from mingus.auth.models import User
from mingus.auth.models import UserId
from mingus.db import db
from mingus.db import unit_of_work
from mingus.services import services

if TYPE_CHECKING:
    from email.message import EmailMessage

    from flask import Flask

    from tests.support.browser import Browser

PASSWORD = "quiet-otter-umbrella"
ADA = "ada@mingus.test"
BEN = "ben@mingus.test"
CLEO = "cleo@mingus.test"


def make_person(
    app: Flask, email: str = ADA, *, password: str = PASSWORD, role: Role = Role.MEMBER
) -> UserId:
    """A person who may sign in."""
    with app.app_context():
        name = email.partition("@")[0].title()
        return services().auth.create(email=email, display_name=name, password=password, role=role)


def person_of(app: Flask, email: str) -> UserId:
    """The person of that address."""
    with app.app_context():
        return db.session.scalars(select(User.id).where(User.email == email)).one()


def sign_in(app: Flask, person: UserId, *, remembered: bool = False) -> Browser:
    """A browser of its own, signed in as the person."""
    with app.app_context(), unit_of_work() as unit:
        keys = services().sessions.open(
            unit, person, remembered=remembered, agent="Firefox/140 (X11; Linux)", address="192.0.2.7"
        )
    browser: Browser = app.test_client()  # type: ignore[assignment]  # test_client_class says so
    with browser.session_transaction() as session:
        session["_user_id"] = keys.token
    browser.set_cookie("device", keys.device)
    return browser


def letters(app: Flask) -> list[EmailMessage]:
    """The mails that lie in the outbox, oldest first."""
    with app.app_context():
        folder = services().settings.outbox_dir
    return [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.glob("*.eml"))]


def link_in(letter: EmailMessage) -> str:
    """The path of the link in a mail."""
    words = str(letter.get_content()).split()
    url = next(word for word in words if word.startswith("http://"))
    return "/" + url.split("/", 3)[3]
