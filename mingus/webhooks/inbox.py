"""The inbox: what Plaid sends is verified, stored and acknowledged; what it means is looked at afterwards."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlalchemy import select
from sqlalchemy import update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite

from mingus import metrics
from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import TooManyTries
from mingus.plaid.gateway import token_environment
from mingus.webhooks.hints import Hint
from mingus.webhooks.hints import UnreadableHint
from mingus.webhooks.hints import read_hint
from mingus.webhooks.hints import without_tokens
from mingus.webhooks.keys import NoLookUpLeft
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent
from mingus.webhooks.models import WebhookRefusal
from mingus.webhooks.scribe import Scribe
from mingus.webhooks.verify import Forged
from mingus.webhooks.verify import Reason
from mingus.webhooks.verify import Signed
from mingus.webhooks.verify import key_id_of
from mingus.webhooks.verify import verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mingus.ambient import Ambient
    from mingus.config import Settings
    from mingus.db import Unit
    from mingus.jobs import Jobs
    from mingus.webhooks.keys import WebhookKeys
    from mingus.webhooks.senders import Senders

log = logging.getLogger(__name__)

LARGEST_BODY_BYTES = 256 * 1024
VERIFICATION = "Plaid-Verification"
KEPT_HEADERS = ("User-Agent", "Content-Type", VERIFICATION)
HEADER_LENGTH = 1000
TELL_EVERY = dt.timedelta(seconds=10)
REPLAYED_AT_ONCE = 1000
NEVER_HANDLED = frozenset({EventState.REFUSED.value, EventState.UNREADABLE.value})
NOTHING_SAID = Hint(
    webhook_type="",
    webhook_code="",
    environment=None,
    plaid_item_id=None,
    link_token_hash=None,
    disconnect_at=None,
)


class Inbox:
    """Receives webhooks, and gives them out again."""

    def __init__(
        self, *, settings: Settings, ambient: Ambient, jobs: Jobs, keys: WebhookKeys, senders: Senders
    ) -> None:
        self._plaids_word = token_environment(settings.environment)
        self._ambient = ambient
        self._keys = keys
        self._senders = senders
        self._scribe = Scribe(jobs=jobs, environment=settings.environment.value)
        self._refusals = Refusals(ambient)

    def admit(self, headers: Mapping[str, str], *, network: str) -> None:
        """Before the body is read; raises TooManyTries for a sender that is held back."""
        try:
            self._senders.admit(network, headers.get(VERIFICATION))
        except TooManyTries:
            self._turned_away(Reason.TOO_MANY)
            raise

    def receive(self, body: bytes, headers: Mapping[str, str], *, network: str) -> None:
        """Store a webhook durably, or raise: Forged for what is not Plaid's, KeyUnreachable when nobody can tell.

        Repeats are counted on the first one's row. Nothing of a forged webhook is kept but the count of its kind; one
        too many of them raises TooManyTries.
        """
        try:
            token = headers.get(VERIFICATION)
            key_id = key_id_of(token)
            signed = verify(token or "", body, self._keys.find(key_id), now=self._ambient.now())
        except Forged as err:
            self._turned_away(err.reason)
            self._senders.blame(network)
            raise
        except NoLookUpLeft:
            self._senders.blame(network)
            raise
        hint, state = self._understood(body)
        self._store(body, headers, key_id=key_id, signed=signed, hint=hint, state=state)
        if state is EventState.REFUSED:
            self._turned_away(Reason.ENVIRONMENT)
            raise Forged(Reason.ENVIRONMENT)
        metrics.webhook_came("verified")

    def forget_held(self) -> None:
        """Empty this process's memory, as that of a new one is; the database still knows."""
        self._keys.forget_held()
        self._senders.forget_held()
        self._refusals = Refusals(self._ambient)

    def _turned_away(self, reason: Reason) -> None:
        metrics.webhook_came(reason.value)
        self._refusals.count(reason)

    def _understood(self, body: bytes) -> tuple[Hint, EventState]:
        try:
            hint = read_hint(body)
        except UnreadableHint:
            return NOTHING_SAID, EventState.UNREADABLE
        if hint.environment not in {None, self._plaids_word}:
            return hint, EventState.REFUSED
        return hint, EventState.WAITING

    def _store(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        key_id: str,
        signed: Signed,
        hint: Hint,
        state: EventState,
    ) -> None:
        now = self._ambient.now()
        waits = state is EventState.WAITING
        subject = hint.plaid_item_id or hint.link_token_hash or ""
        meaning = f"{subject}\n{signed.signed_at.timestamp()}\n{signed.body_hash}"
        row = {
            "id": self._ambient.new_id("wh"),
            "meaning": hashlib.sha256(meaning.encode()).hexdigest(),
            "body": without_tokens(body),
            "headers": {name: headers[name][:HEADER_LENGTH] for name in KEPT_HEADERS if name in headers},
            "key_id": key_id,
            "signed_at": signed.signed_at,
            "webhook_type": hint.webhook_type,
            "webhook_code": hint.webhook_code,
            "plaid_item_id": hint.plaid_item_id,
            "link_token_hash": hint.link_token_hash,
            "state": state.value,
            "first_seen_at": now,
            "last_seen_at": now,
            "times_seen": 1,
            "next_try_at": now if waits else None,
            "attempts": 0,
        }
        self._scribe.store(row)

    # giving out again

    def replay(
        self,
        *,
        event_id: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        states: frozenset[EventState] = frozenset(),
    ) -> int:
        """Have stored webhooks handled once more, as if they came now; how many. Refused ones stay refused."""
        now = self._ambient.now()
        query = select(WebhookEvent.id).where(WebhookEvent.state.not_in(NEVER_HANDLED))
        if event_id is not None:
            query = query.where(WebhookEvent.id == event_id)
        if since is not None:
            query = query.where(WebhookEvent.first_seen_at >= since)
        if until is not None:
            query = query.where(WebhookEvent.first_seen_at < until)
        if states:
            query = query.where(WebhookEvent.state.in_({state.value for state in states}))
        found = db.session.scalars(query.order_by(WebhookEvent.id)).all()
        for start in range(0, len(found), REPLAYED_AT_ONCE):
            batch = found[start : start + REPLAYED_AT_ONCE]
            with unit_of_work() as unit:
                unit.session.execute(
                    update(WebhookEvent)
                    .where(WebhookEvent.id.in_(batch))
                    .values(
                        state=EventState.WAITING.value,
                        next_try_at=now,
                        attempts=0,
                        failure=None,
                        fence_seen=None,
                    )
                )
        return len(found)

    def forget_before(self, before: dt.datetime) -> None:
        """Delete webhooks that came before, and the counts of that time; what still waits stays."""
        with unit_of_work() as unit:
            unit.session.execute(
                delete(WebhookEvent).where(
                    WebhookEvent.first_seen_at < before, WebhookEvent.next_try_at.is_(None)
                )
            )
            unit.session.execute(delete(WebhookRefusal).where(WebhookRefusal.day < before.date()))


class Refusals:
    """Counts what is turned away; told to the log and the database every ten seconds, however many come."""

    def __init__(self, ambient: Ambient) -> None:
        self._ambient = ambient
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._tell_at: dt.datetime | None = None

    def count(self, reason: Reason) -> None:
        now = self._ambient.now()
        with self._lock:
            self._counts[reason.value] += 1
            if self._tell_at is not None and self._tell_at - TELL_EVERY <= now < self._tell_at:
                return
            counts, self._counts, self._tell_at = self._counts, Counter(), now + TELL_EVERY
        log.warning("webhooks turned away", extra={"counts": dict(counts)})
        with unit_of_work() as unit:
            for name, number in sorted(counts.items()):
                _add_refusals(unit, now.date(), name, number)


def _add_refusals(unit: Unit, day: dt.date, reason: str, number: int) -> None:
    insert = postgresql.insert if unit.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    unit.session.execute(
        insert(WebhookRefusal)
        .values(day=day, reason=reason, count=number)
        .on_conflict_do_update(
            index_elements=["day", "reason"], set_={"count": WebhookRefusal.count + number}
        )
    )
