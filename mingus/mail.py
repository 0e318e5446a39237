"""Mail: a row first, then a nudge, then the post. A dead mail server delays mail, never a person."""

from __future__ import annotations

import datetime as dt
import logging
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING
from typing import Protocol
from urllib.parse import unquote
from urllib.parse import urlsplit

from sqlalchemy import String
from sqlalchemy import Text
from sqlalchemy import delete
from sqlalchemy import select
from sqlalchemy import update
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.auth.models import User
from mingus.db import Base
from mingus.db import Unit
from mingus.db import db
from mingus.db import unit_of_work
from mingus.jobs import JobKind
from mingus.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence
    from pathlib import Path

    from mingus.ambient import Ambient
    from mingus.jobs import Jobs

log = logging.getLogger(__name__)

SMTP_TIMEOUT_SECONDS = 15
CLAIM = dt.timedelta(minutes=1)
PATIENCE = Patience(first=dt.timedelta(minutes=1), longest=dt.timedelta(hours=4))
MAX_ATTEMPTS = 12
KEPT = dt.timedelta(days=30)
SWEEP_SIZE = 50
SENT_BODY = ""


class OutgoingMail(Base):
    """A mail to send. Its text goes once it is sent, since one-time links are in it."""

    __tablename__ = "outgoing_mails"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32))
    recipient: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime]
    next_try_at: Mapped[dt.datetime | None] = mapped_column(index=True)  # None: sent, or given up
    sent_at: Mapped[dt.datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    failure: Mapped[str | None] = mapped_column(String(80))


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail ready to leave."""

    id: str
    sender: str
    recipient: str
    subject: str
    body: str
    at: dt.datetime


class Post(Protocol):
    """Carries a letter out of the house; raises OSError or smtplib.SMTPException when it can't now."""

    def carry(self, letter: Letter) -> None: ...

    def forget(self, letter_ids: Sequence[str]) -> None:
        """Remove the copies that are still in reach."""


class OutboxPost:
    """Letters as files in a folder that anyone on this machine can read: for local use and tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def carry(self, letter: Letter) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f".{letter.id}.part"
        draft.write_bytes(bytes(_message(letter)))
        draft.rename(self._folder / f"{letter.id}.eml")

    def forget(self, letter_ids: Sequence[str]) -> None:
        for letter_id in letter_ids:
            (self._folder / f"{letter_id}.eml").unlink(missing_ok=True)


class SmtpPost:
    """Letters through a mail server: smtps from the first byte, or STARTTLS with smtp."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    def carry(self, letter: Letter) -> None:
        with self._connect() as server:
            self._sign_in(server)
            server.send_message(_message(letter))

    def forget(self, letter_ids: Sequence[str]) -> None:
        """What left the house is out of reach."""

    def greet(self) -> None:
        """Connect and sign in without sending anything."""
        with self._connect() as server:
            self._sign_in(server)

    def _sign_in(self, server: smtplib.SMTP) -> None:
        if self._url.username:
            server.login(unquote(self._url.username), unquote(self._url.password or ""))

    def _connect(self) -> smtplib.SMTP:
        host = self._url.hostname or ""
        context = ssl.create_default_context()
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(
                host, self._url.port or 465, timeout=SMTP_TIMEOUT_SECONDS, context=context
            )
        server = smtplib.SMTP(host, self._url.port or 587, timeout=SMTP_TIMEOUT_SECONDS)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
        elif self._url.username:
            server.close()
            message = "the mail server offers no TLS, so the password stays here"
            raise smtplib.SMTPException(message)
        return server


class MailRoom:
    """Writes letters into rows and has them carried."""

    def __init__(
        self, *, ambient: Ambient, jobs: Jobs, post: Post, sender: str, render: Callable[..., str]
    ) -> None:
        self._ambient = ambient
        self._jobs = jobs
        self._post = post
        self._sender = sender
        self._render = render

    def write(
        self, unit: Unit, purpose: str, recipient: str, *, locale: str | None = None, **words: object
    ) -> None:
        """Add a letter to the caller's unit; it leaves once that is committed. First line of the text: subject.

        It is in the language of the person with that address; for an address that is nobody's yet, `locale` tells.
        """
        known = unit.session.scalar(select(User.locale).where(User.email == recipient))
        text = self._render(f"mail/{purpose}.txt", known or locale or "en", **words)
        subject, _, body = text.strip().partition("\n")
        now = self._ambient.now()
        mail = OutgoingMail(
            id=self._ambient.new_id("mail"),
            purpose=purpose,
            recipient=recipient,
            subject=subject.strip()[:200],
            body=body.strip() + "\n",
            created_at=now,
            next_try_at=now,
        )
        unit.session.add(mail)
        unit.after_commit(lambda: self._jobs.enqueue(JobKind.MAIL, mail_id=mail.id))

    def forget(self, unit: Unit, recipient: str, *, purpose: str | None = None) -> None:
        """Delete the letters to an address in the caller's unit, sent or waiting, and then their copies on disk."""
        wanted = [OutgoingMail.recipient == recipient]
        if purpose is not None:
            wanted.append(OutgoingMail.purpose == purpose)
        ids = list(unit.session.scalars(select(OutgoingMail.id).where(*wanted)))
        unit.session.execute(delete(OutgoingMail).where(OutgoingMail.id.in_(ids)))
        unit.after_commit(lambda: self._post.forget(ids))

    def forget_old(self) -> None:
        """Delete what was sent or given up long ago: the addresses in it are people's."""
        before = self._ambient.now() - KEPT
        with unit_of_work() as unit:
            unit.session.execute(
                delete(OutgoingMail).where(
                    OutgoingMail.next_try_at.is_(None), OutgoingMail.created_at < before
                )
            )

    def deliver(self, mail_id: str) -> None:
        """Carry one letter if it is due and nobody else is at it; a failure is noted and tried again later."""
        letter = self._claim(mail_id)
        if letter is None:
            return
        try:
            self._post.carry(letter)
        except (OSError, smtplib.SMTPException) as err:
            self._note_failure(mail_id, type(err).__name__)
        else:
            self._note_sent(mail_id)

    def overdue(self) -> list[str]:
        """Letters whose nudge was lost, or whose next try has come; what the sweep asks for."""
        due = OutgoingMail.next_try_at <= self._ambient.now()
        return list(
            db.session.scalars(select(OutgoingMail.id).where(due).order_by(OutgoingMail.id).limit(SWEEP_SIZE))
        )

    def _claim(self, mail_id: str) -> Letter | None:
        now = self._ambient.now()
        with unit_of_work() as unit:
            taken = unit.session.execute(
                update(OutgoingMail)
                .where(
                    OutgoingMail.id == mail_id,
                    OutgoingMail.sent_at.is_(None),
                    OutgoingMail.next_try_at <= now,
                )
                .values(next_try_at=now + CLAIM, attempts=OutgoingMail.attempts + 1)
            )
            if taken.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
                return None
            mail = unit.lock_one(OutgoingMail, mail_id)
            return Letter(
                id=mail.id,
                sender=self._sender,
                recipient=mail.recipient,
                subject=mail.subject,
                body=mail.body,
                at=now,
            )

    def _note_sent(self, mail_id: str) -> None:
        with unit_of_work() as unit:
            mail = unit.lock_one(OutgoingMail, mail_id)
            mail.sent_at, mail.next_try_at, mail.body, mail.failure = (
                self._ambient.now(),
                None,
                SENT_BODY,
                None,
            )

    def _note_failure(self, mail_id: str, failure: str) -> None:
        log.warning("mail not delivered", extra={"letter": mail_id, "failure": failure})
        with unit_of_work() as unit:
            mail = unit.lock_one(OutgoingMail, mail_id)
            wait = PATIENCE.after(mail.attempts, of=mail_id)
            mail.next_try_at = self._ambient.now() + wait if mail.attempts < MAX_ATTEMPTS else None
            mail.failure = failure


def _message(letter: Letter) -> EmailMessage:
    message = EmailMessage()
    message["From"] = letter.sender
    message["To"] = letter.recipient
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.id}@mingus>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body)
    return message
