"""Workers that die: forked from one warm process, each with connections and threads of its own, killed by signal 9.

The clock of every further worker is some minutes ahead, so that the leases of the dead have run out.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import itertools
import mmap
import os
import select
import signal
import struct
import sys
import time
import traceback
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import text

from mingus import config
from mingus import create_app
from mingus import schema
from mingus import worker
from mingus.ambient import SystemAmbient
from mingus.auth.models import Role
from mingus.auth.passwords import Passwords
from mingus.db import db
from mingus.db import unit_of_work
from mingus.jobs import HueyJobs
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidConnection
from mingus.services import services
from tests.crash import points
from tests.crash.world import World
from tests.crash.world import losses
from tests.support.made import share

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import JobKind
    from mingus.plaid.models import ConnectionId

KINDS = ("lost", "doubled", "stale", "revived", "edits_lost", "half_there", "never_finished")
COUNT = struct.Struct("Q")
PERSON = "crash@mingus.test"
LONGEST_RECOVERY_SECONDS = 90.0
LONGEST_WAIT_SECONDS = 1.5  # for a step that this run may never pass
POLL_SECONDS = 0.02
SWEEP_SECONDS = 0.1
LARGE_ROWS = 100  # so that large updates are among those killed
AHEAD = dt.timedelta(minutes=7)  # beyond every lease and the first retries


class AheadClock(SystemAmbient):
    """The machine's clock, some minutes further with each worker."""

    ahead = dt.timedelta()

    def now(self) -> dt.datetime:
        return super().now() + self.ahead


class WorkersJobs(HueyJobs):
    """The real queue for workers; what the lab enqueues is a lost nudge, since forks must not share its file."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._lab = os.getpid()

    def enqueue(self, kind: JobKind, **ids: str) -> None:
        if os.getpid() != self._lab:
            super().enqueue(kind, **ids)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was done and what was found."""

    kills: int = 0
    named: dict[str, int] = field(default_factory=dict)
    at_instants: int = 0
    imports: int = 0
    edits: int = 0
    rows: int = 0
    losses: dict[str, int] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def lose(self, found: dict[str, int]) -> None:
        for name, count in found.items():
            self.losses[name] = self.losses.get(name, 0) + count

    def line(self) -> str:
        """The closing line, with the pace."""
        pace = self.kills * 60 / max(time.monotonic() - self.began, 0.001)
        found = {**dict.fromkeys(KINDS, 0), **self.losses}
        words = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.items())
        return (
            f"{self.kills} kills ({sum(self.named.values())} at {len(self.named)} named steps, {self.at_instants} at"
            f" random instants), {self.imports} first imports, {self.edits} edits, up to {self.rows} rows,"
            f" {pace:.0f} kills a minute: {words}"
        )


class Lab:
    """One person, one bank, one database, and as many workers as it takes."""

    def __init__(self, host: str, folder: Path, database_url: str, dice: Random) -> None:
        self.tally = Tally()
        self.world = World(host, dice)
        self._dice = dice
        self._clock = AheadClock()
        self._steps = mmap.mmap(-1, COUNT.size)  # shared with the worker: how many steps it has passed
        self._typical = 60
        self._app = _open_app(host, folder, database_url, self._clock)
        self.in_child(_migrate)
        with self._app.app_context():
            self._person = _make_person()
        self.connection_id = self.connect()

    def connect(self) -> ConnectionId:
        """A new connection of the person, its first import not yet begun; the last one ends with all it brought."""
        with self._app.app_context():
            plaid = services().plaid
            for card in plaid_connections(self._person):
                plaid.disconnect(self._person, card, keep_history=False)
            token = self.world.public_token("user_transactions_dynamic")
            link = plaid.create_link_token(self._person).link_id
            linked = plaid.exchange_public_token(self._person, link, token, metadata={}, keep_both=True)
            self.connection_id = linked.connection_id
            self.world.item = db.session.get_one(PlaidConnection, self.connection_id).plaid_item_id
        self.world.edits.clear()
        self.tally.imports += 1
        return self.connection_id

    def run(self) -> dict[str, int]:
        """Change the world, kill a worker somewhere in its work, let another finish it; what was lost."""
        self.world.turn(self._dice.randint(1, 4))
        if self._dice.random() < 0.5:
            self._decide()
        self._wish()
        if self._dice.random() < 0.6:
            self._kill_at_a_step(self._dice.randint(1, self._typical))
        else:
            self._kill_at_an_instant(self._dice.uniform(0.0, 0.6))
        self.tally.kills += 1
        found = {} if self._is_intact() else {"database_damaged": 1}
        self._wish()
        found |= self._recover()
        self.tally.lose(found)
        return found

    def walk(self) -> dict[str, int]:
        """Kill a worker at the first step of an update, the next one at the second, and so on; what was lost."""
        found: dict[str, int] = {}
        for die_at in itertools.count(1):
            self.world.turn(1)
            self._wish()
            name = self._die_in_a_sync(die_at)
            self._wish()
            self.in_child(self._sync)
            with self._app.app_context():
                lost = losses(self.world, self.connection_id)
            self.tally.lose(lost)
            found |= lost
            if not name:
                return found
            self.tally.kills += 1
            self.tally.named[name] = self.tally.named.get(name, 0) + 1
        return found

    def _die_in_a_sync(self, die_at: int) -> str:
        """Where a worker was killed; empty when it got through."""
        reading, writing = os.pipe()
        arm = partial(points.arm, die_at, partial(_tell, writing), self._steps)

        def act(app: Flask) -> None:
            arm()
            self._sync(app)

        process = self._fork(act)
        os.close(writing)
        os.waitpid(process, 0)
        name = os.read(reading, 200).decode()
        os.close(reading)
        return name

    def _sync(self, app: Flask) -> None:
        with app.app_context():
            services().sync.run(self.connection_id)

    def freeze(self, step: str) -> dict[str, int]:
        """Stop a worker at a step, let another do its work, wake the first again; what it spoiled."""
        self.world.turn(2)
        self._wish()
        reading, writing = os.pipe()
        # one thread only: on SQLite a process that sleeps with the write lock in its hand stops everybody else
        frozen = self._fork(lambda app: self._sync_until_frozen(app, step, writing))
        os.close(writing)
        try:
            _, status = os.waitpid(frozen, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                return {"never_frozen": 1}
            self.world.turn(2)
            self._wish()
            found, cursor = self._recover(), self._cursor()
            os.kill(frozen, signal.SIGCONT)
            awake, _, _ = select.select([reading], [], [], LONGEST_RECOVERY_SECONDS)
            if not awake:
                found["never_woke"] = 1
            if self._cursor() != cursor:
                found["cursor_moved"] = 1
        finally:
            _kill(frozen)
            os.close(reading)
        with self._app.app_context():
            return found | losses(self.world, self.connection_id)

    def _sync_until_frozen(self, app: Flask, step: str, writing: int) -> None:
        points.arm_to_freeze(step)
        self._sync(app)
        _tell(writing, "ended")

    def in_child(self, act: Callable[[Flask], None]) -> None:
        """Do something in a process of its own and wait for it."""
        process = self._fork(act)
        _, status = os.waitpid(process, 0)
        if status != 0:
            message = "a helper of the crash test failed"
            raise SystemExit(message)

    # the victims

    def _kill_at_a_step(self, die_at: int) -> None:
        reading, writing = os.pipe()
        arm = partial(points.arm, die_at, partial(_tell, writing), self._steps)
        process = self._fork(lambda app: self._work(app, arm))
        os.close(writing)
        self.world.turn(1)  # the bank changes while the worker works
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        gone = 0
        while not gone and time.monotonic() < deadline:
            gone, _ = os.waitpid(process, os.WNOHANG)
            time.sleep(POLL_SECONDS)
        if not gone:
            _kill(process)
        name = os.read(reading, 200).decode()
        os.close(reading)
        if name:
            self.tally.named[name] = self.tally.named.get(name, 0) + 1
        else:
            self.tally.at_instants += 1

    def _kill_at_an_instant(self, seconds: float) -> None:
        process = self._fork(lambda app: self._work(app, self._only_count))
        until = time.monotonic() + seconds
        if seconds > 0.2:
            self.world.turn(1)
        time.sleep(max(0.0, until - time.monotonic()))
        _kill(process)
        self.tally.at_instants += 1

    def _recover(self) -> dict[str, int]:
        """A worker that may live: what is wrong once it has nothing left to do."""
        process = self._fork(lambda app: self._work(app, self._only_count))
        deadline = time.monotonic() + LONGEST_RECOVERY_SECONDS
        try:
            with self._app.app_context():
                while not self._is_done():
                    if time.monotonic() > deadline:
                        return {"never_finished": 1}
                    time.sleep(POLL_SECONDS)
                self._typical = max(20, COUNT.unpack(self._steps[: COUNT.size])[0])
                found = losses(self.world, self.connection_id)
                self.tally.rows = max(self.tally.rows, len(self.world.truth()))
                return found
        finally:
            _kill(process)

    def _only_count(self) -> None:
        points.arm(0, lambda _name: None, self._steps)

    def _work(self, app: Flask, arm: Callable[[], None]) -> None:
        arm()
        sweeper = worker.Sweeper(app, every_seconds=SWEEP_SECONDS)
        consumer = worker.start(app)
        sweeper.start()
        consumer.run()

    def _fork(self, act: Callable[[Flask], None]) -> int:
        """A process of its own that shares no connection with this one."""
        self._clock.ahead += AHEAD
        with self._app.app_context():
            db.session.remove()
            db.engine.dispose()
            # only its connections are the parent's: making the SDK's client anew takes longer than a sync
            services().gateway._client().api_client.rest_client.pool_manager.clear()
        sys.stdout.flush()
        process = os.fork()
        if process:
            return process
        status = 1
        try:
            act(self._app)
            status = 0
        except BaseException:  # noqa: BLE001 (a fork must end here, whatever happened)
            traceback.print_exc()
        os._exit(status)

    # the lab's own looks

    def _wish(self) -> None:
        with self._app.app_context(), unit_of_work() as unit:
            connection = unit.lock_one(PlaidConnection, self.connection_id)
            services().leases.wish(unit, connection, Trigger.PERSON)

    def _decide(self) -> None:
        with self._app.app_context():
            self.world.decide(self.connection_id)
            self.tally.edits = self.tally.edits + 1

    def _is_done(self) -> bool:
        db.session.rollback()
        row = db.session.get_one(PlaidConnection, self.connection_id, populate_existing=True)
        done = row.wanted_seq == row.done_seq and not services().refresher.due()
        db.session.rollback()
        return done

    def _cursor(self) -> str:
        with self._app.app_context():
            row = db.session.get_one(PlaidConnection, self.connection_id, populate_existing=True)
            db.session.rollback()
            return row.sync_cursor

    def _is_intact(self) -> bool:
        with self._app.app_context():
            if db.engine.dialect.name != "sqlite":
                return True
            said = db.session.execute(text("PRAGMA integrity_check")).scalar()
            db.session.rollback()
            return bool(said == "ok")


def plaid_connections(person: UserId) -> list[ConnectionId]:
    """The person's living connections."""
    from mingus.plaid import queries
    from mingus.plaid.states import ENDED

    cards = queries.connection_cards(person, environment="simulator", now=services().ambient.now())
    return [card.id for card in cards if card.state not in ENDED]


def _open_app(host: str, folder: Path, database_url: str, clock: AheadClock) -> Flask:
    settings = config.from_env(
        {
            "SESSION_SECRET_KEY": "a-key-of-the-crash-test-0123456789",
            "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
            "DATABASE_URL": database_url or f"sqlite:///{folder / 'crash.sqlite3'}",
            "QUEUE_URL": f"sqlite:///{folder / 'queue.sqlite3'}",
            "MINGUS_DATA_DIR": str(share(folder)),
            "PLAID_HOST": host,
        }
    )
    jobs = WorkersJobs(settings.queue_url)
    return create_app(settings, ambient=clock, jobs=jobs, passwords=Passwords(memory_kib=64))


def _migrate(app: Flask) -> None:
    with app.app_context():
        schema.upgrade(services())


def _make_person() -> UserId:
    auth = services().auth
    word = "quiet-otter-umbrella"
    return auth.create(email=PERSON, display_name="Crash", password=word, role=Role.MEMBER)


def _tell(pipe: int, name: str) -> None:
    os.write(pipe, name.encode())


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process, 0)
