"""The worker: runs nudges, and sweeps up rows whose nudge was lost. `python -m mingus.worker`."""

from __future__ import annotations

import datetime as dt
import logging
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING
from typing import Any

from huey.consumer import Consumer
from sqlalchemy.exc import DBAPIError

from mingus import logs
from mingus import metrics
from mingus import tracing
from mingus.chores import Chore
from mingus.db import db
from mingus.services import services
from mingus.startup import started_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from mingus.services import Services

log = logging.getLogger(__name__)

THREADS = 2
SWEEP_SECONDS = 15.0
CHORES_SECONDS = 60.0
ENOUGH_NUDGES = 200  # that nobody took yet: workers are busy with them for longer than a round
ROUNDS_WHEN_BEHIND = 4
STOP_SECONDS = 10


def in_app(app: Flask, handler: Callable[..., None], kind: str) -> Callable[..., None]:
    """`handler` with an app context of its own and its ids in every log line; failures are logged, never fatal."""

    def run(**ids: str) -> None:
        with (
            app.app_context(),
            logs.bound(job=kind, **ids),
            tracing.span(f"job {kind}", side="CONSUMER", job=kind),
        ):
            began, outcome = time.perf_counter(), "done"
            try:
                handler(**ids)
            except Exception as err:
                tracing.tell(failure=type(err).__name__)
                # the row still says what is to be done: the sweep will ask again
                log.exception("job failed")
                outcome = "failed"
            finally:
                tracing.tell(outcome=outcome)
                metrics.job_done(kind=kind, outcome=outcome, seconds=time.perf_counter() - began)
                db.session.remove()

    return run


def sweep_once(wired: Services) -> int:
    """Enqueue what rows say is to be done and nobody does; how many there were."""
    found = 0
    for sweep in wired.sweeps():
        for row_id in sweep.find():
            wired.jobs.enqueue(sweep.kind, **{sweep.id_name: row_id})
            found += 1
    return found


class Sweeper(threading.Thread):
    """Sweeps every few seconds and asks for chores every minute until told to stop.

    One worker sweeps for the whole installation, and more seldom while workers are behind: what waits then has its
    nudge in the queue already, and asking again for the same rows would put everybody further behind.
    """

    def __init__(self, app: Flask, *, every_seconds: float = SWEEP_SECONDS) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._app = app
        self._every_seconds = every_seconds
        self._stopped = threading.Event()
        self._tidy_at = 0.0

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        while not self._stopped.is_set():
            with self._app.app_context():
                try:
                    self._round()
                except DBAPIError as err:
                    log.warning("sweep put off", extra={"failure": type(err.orig).__name__})
                finally:
                    db.session.remove()
            self._stopped.wait(self._every_seconds)

    def _round(self) -> None:
        self.sweep(services())
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + CHORES_SECONDS
            services().do_chores()

    def sweep(self, wired: Services) -> None:
        """Sweep, if it is time and no other worker was faster."""
        behind = (wired.jobs.waiting() or 0) >= ENOUGH_NUDGES
        every = dt.timedelta(seconds=self._every_seconds * (ROUNDS_WHEN_BEHIND if behind else 1))
        wired.chores.do_due([Chore(name="sweep", every=every, do=lambda: sweep_once(wired))])


def start(app: Flask) -> Consumer:
    """A consumer with every handler bound, ready to run."""
    with app.app_context():
        wired = services()
    jobs: Any = wired.jobs
    jobs.bind({kind: in_app(app, handler, kind.value) for kind, handler in wired.handlers().items()})
    return Consumer(
        jobs.huey,
        workers=THREADS,
        periodic=False,
        initial_delay=0.05,
        max_delay=0.25,
        shutdown_timeout=STOP_SECONDS,
        graceful_signal="TERM",
    )


def main() -> int:
    signal.signal(signal.SIGTERM, _stop_before_it_began)  # until the consumer has a way of its own
    app = started_app()
    sweeper = Sweeper(app)
    consumer = start(app)
    sweeper.start()
    log.info("worker started", extra={"threads": THREADS})
    try:
        consumer.run()
    finally:
        sweeper.stop()
        log.info("worker stopped")
    return 0


def _stop_before_it_began(*_: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
