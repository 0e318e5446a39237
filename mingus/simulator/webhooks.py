"""Webhooks: signed, delivered by Plaid's rules, repeated, swapped, lost or spoilt on demand."""

from __future__ import annotations

import http.client
import logging
import random
import ssl
import threading
import time
from collections import defaultdict
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from datetime import datetime
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urlsplit

import msgspec

from mingus.simulator.signing import SIGNATURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from mingus.simulator.simulator import Simulator

log = logging.getLogger("mingus.simulator")

FIRST_DELAY = timedelta(seconds=30)
FACTOR = 4
GIVE_UP_AFTER = timedelta(hours=24)
# Plaid stops retrying for endpoints that reject nearly everything; a few failures alone say nothing yet.
REJECTING_SHARE = 0.9
REJECTING_SAMPLE = 10
SENDERS = 8
KEPT = 2000
HOLD_SECONDS = 2


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One webhook on its way; `attempts` hold time, HTTP status or trouble, and milliseconds."""

    number: int
    url: str
    body: str
    webhook_type: str
    webhook_code: str
    created_at: datetime
    item_id: str | None = None
    state: str = "waiting"
    signature: str = "good"
    next_attempt_at: datetime | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def lane(self) -> str:
        """Deliveries of one lane go out one after another."""
        return self.item_id or self.url


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How webhooks misbehave at present."""

    signature: str = "good"
    copies: int = 1
    swap: bool = False
    lose: float = 0.0
    retries: bool = True

    def __post_init__(self) -> None:
        if self.signature not in SIGNATURES:
            message = f"signature must be one of {', '.join(SIGNATURES)}"
            raise ValueError(message)
        if not 1 <= self.copies <= 100 or not 0 <= self.lose <= 1:
            message = "copies must be 1 to 100 and lose between 0 and 1"
            raise ValueError(message)


class Webhooks:
    """Sends what happened to whoever asked to be told, and remembers how that went."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self.manners = Manners()
        self._log: deque[Delivery] = deque(maxlen=KEPT)
        self._outcomes: dict[str, deque[tuple[datetime, bool]]] = defaultdict(lambda: deque(maxlen=200))
        self._lanes: dict[str, deque[Callable[[], None]]] = {}
        self._lock = threading.Lock()
        self._held: list[Delivery] = []
        self._chance = random.Random(sim.config.seed)
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="simulator-webhook")
        self._count = 0

    def resume(self) -> None:
        """Plan the deliveries that a former run left waiting."""
        for _, doc in self._sim.store.all("delivery"):
            delivery = msgspec.convert(doc, Delivery)
            self._count = max(self._count, delivery.number)
            self._log.append(delivery)
            if delivery.state == "waiting":
                self._plan(delivery, delivery.next_attempt_at or self._sim.clock.now())

    def send(self, url: str, payload: dict[str, Any], item_id: str | None = None) -> None:
        """Sign and deliver the payload, and retry by Plaid's schedule; returns at once."""
        manners = self.manners
        with self._lock:
            self._count += 1
            delivery = Delivery(
                number=self._count,
                url=url,
                body=msgspec.json.format(msgspec.json.encode(payload), indent=2).decode(),
                webhook_type=payload["webhook_type"],
                webhook_code=payload["webhook_code"],
                created_at=self._sim.clock.now(),
                item_id=item_id,
                signature=manners.signature,
            )
            self._log.append(delivery)
        if self._chance.random() < manners.lose:
            delivery.state = "lost"
            return
        self._save(delivery)
        if manners.swap and self._hold(delivery):
            return
        for outgoing in (delivery, *self._release()):
            for _ in range(manners.copies):
                self._enqueue(outgoing)

    def resend(self, number: int) -> bool:
        """Deliver an old webhook once more, signed anew; False when it is no longer known."""
        found = next((row for row in self._log if row.number == number), None)
        if found:
            self.send(found.url, msgspec.json.decode(found.body), found.item_id)
        return found is not None

    def behave(self, **changes: Any) -> Manners:
        """Change how webhooks misbehave; ValueError for values that make no sense."""
        self.manners = replace(self.manners, **changes)
        return self.manners

    def recent(self, *, after: int = 0, limit: int = 100, item_id: str | None = None) -> list[Delivery]:
        """At most `limit` newest deliveries with a number above `after`, oldest first."""
        rows = [row for row in list(self._log) if row.number > after and item_id in (None, row.item_id)]
        return rows[-limit:]

    def idle(self) -> bool:
        """Whether nothing is on the wire or about to be."""
        with self._lock:
            return not self._lanes and not self._held

    def clear(self) -> None:
        """Forget all deliveries; those on the wire still arrive."""
        with self._lock:
            self._log.clear()
            self._held.clear()
        self.manners = Manners()

    def stop(self) -> None:
        """Send nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _enqueue(self, delivery: Delivery) -> None:
        attempt = partial(self._attempt, delivery)
        with self._lock:
            lane = self._lanes.setdefault(delivery.lane, deque())
            lane.append(attempt)
            if len(lane) == 1:
                self._submit(partial(self._drain, delivery.lane))

    def _submit(self, work: Callable[[], None]) -> None:
        try:
            self._pool.submit(work)
        except RuntimeError:
            # The pool is closed: the program is ending, and what waits is in the state file.
            self._lanes.clear()

    def _drain(self, name: str) -> None:
        while True:
            with self._lock:
                lane = self._lanes.get(name)
                if not lane:
                    self._lanes.pop(name, None)
                    return
                attempt = lane[0]
            try:
                attempt()
            except Exception:
                # A lane that dies would hold back every later webhook of its item.
                log.exception("a webhook attempt failed")
            with self._lock:
                lane.popleft()

    def _attempt(self, delivery: Delivery) -> None:
        at, started = self._sim.clock.now(), time.perf_counter()
        body = delivery.body.encode()
        # Signed anew each time: a retry with the first signature would be too old to be accepted.
        outcome = post(
            delivery.url,
            body,
            self._sim.keys.sign(body, delivery.signature),
            self._sim.config.delivery_seconds,
        )
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        delivery.attempts.append({"at": at.isoformat(), "outcome": outcome, "ms": milliseconds})
        delivered = outcome == "200"
        self._outcomes[delivery.url].append((at, delivered))
        if delivered or delivery.state == "delivered":
            delivery.state, delivery.next_attempt_at = "delivered", None
        else:
            self._plan_retry(delivery, at)
        self._save(delivery)
        if delivered and delivery.item_id:
            self._sim.updates.told(delivery.item_id, delivery.webhook_code, at)

    def _plan_retry(self, delivery: Delivery, at: datetime) -> None:
        delay = FIRST_DELAY * FACTOR ** (len(delivery.attempts) - 1)
        retry_at = at + delay
        if not self.manners.retries or retry_at > delivery.created_at + GIVE_UP_AFTER:
            delivery.state, delivery.next_attempt_at = "failed", None
        elif self._rejecting(delivery.url, at):
            delivery.state, delivery.next_attempt_at = "abandoned", None
        else:
            self._plan(delivery, retry_at)

    def _plan(self, delivery: Delivery, when: datetime) -> None:
        delivery.next_attempt_at = when
        self._sim.scheduler.at(when, partial(self._enqueue, delivery))

    def _rejecting(self, url: str, at: datetime) -> bool:
        recent = [ok for when, ok in self._outcomes[url] if when > at - GIVE_UP_AFTER]
        return len(recent) >= REJECTING_SAMPLE and recent.count(False) > REJECTING_SHARE * len(recent)

    def _hold(self, delivery: Delivery) -> bool:
        with self._lock:
            if self._held:
                return False
            self._held.append(delivery)
        later = self._sim.clock.now() + timedelta(seconds=HOLD_SECONDS)
        self._sim.scheduler.at(later, self._flush)
        return True

    def _flush(self) -> None:
        for held in self._release():
            self._enqueue(held)

    def _release(self) -> list[Delivery]:
        with self._lock:
            held, self._held = self._held, []
        return held

    def _save(self, delivery: Delivery) -> None:
        self._sim.store.put("delivery", f"{delivery.number:09d}", msgspec.to_builtins(delivery))
        if delivery.number > KEPT:
            self._sim.store.delete("delivery", f"{delivery.number - KEPT:09d}")


def post(url: str, body: bytes, verification: str | None, seconds: float) -> str:
    """Deliver once, without following redirects; the HTTP status, or what went wrong."""
    target = urlsplit(url)
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    headers = {"Content-Type": "application/json", "User-Agent": "Plaid-Simulator-Webhook"}
    if verification is not None:
        headers["Plaid-Verification"] = verification
    deadline = time.monotonic() + seconds
    try:
        connection = kind(target.hostname or "", target.port, timeout=seconds)
        try:
            connection.request(
                "POST", (target.path or "/") + (f"?{target.query}" if target.query else ""), body, headers
            )
            status = connection.getresponse().status
        finally:
            connection.close()
    except TimeoutError:
        return "timeout"
    except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as error:
        return type(error).__name__
    return str(status) if time.monotonic() <= deadline else "timeout"
