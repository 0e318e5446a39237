"""Things to come, on the simulator's clock: run when their time is there, or in order when the clock is moved."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mingus.simulator.clock import Clock

log = logging.getLogger("mingus.simulator")

LONGEST_WAIT_SECONDS = 3600.0


class Scheduler:
    """A heap of tasks and the thread that runs them. Nothing here is persisted: owners plan again at start."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._running = threading.RLock()
        self._stopped = False
        self._thread: threading.Thread | None = None
        clock.on_change = self._wake

    def start(self) -> None:
        """Run due tasks in a thread of their own until `stop`."""
        self._thread = threading.Thread(target=self._loop, name="simulator-scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Run nothing more; waits for the task in hand."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join(timeout=5)

    def at(self, when: datetime, task: Callable[[], None]) -> None:
        """Run `task` once the clock shows `when`; tasks of one moment keep their order."""
        with self._changed:
            heapq.heappush(self._tasks, (when, next(self._order), task))
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget everything planned."""
        with self._changed:
            self._tasks.clear()

    def travel(self, to: datetime) -> None:
        """Move the clock to `to` and run everything that falls due on the way, each at its own time.

        Going back in time runs nothing and leaves what is planned where it was.
        """
        with self._running:
            rate = self._clock.rate
            while (task := self._pop(to)) is not None:
                when, run = task
                if when > self._clock.now():
                    self._clock.set(when)
                self._run(run)
            self._clock.set(to)
            if rate != self._clock.rate:
                self._clock.run(rate)

    def run_due(self) -> None:
        """Run whatever is due now."""
        with self._running:
            while (task := self._pop(self._clock.now())) is not None:
                self._run(task[1])

    def _loop(self) -> None:
        while True:
            with self._changed:
                if self._stopped:
                    return
                self._changed.wait(self._seconds_to_next())
            if not self._stopped:
                self.run_due()

    def _seconds_to_next(self) -> float:
        if not self._tasks:
            return LONGEST_WAIT_SECONDS
        ahead = (self._tasks[0][0] - self._clock.now()).total_seconds()
        if ahead <= 0:
            return 0.0
        rate = self._clock.rate
        return min(ahead / rate, LONGEST_WAIT_SECONDS) if rate > 0 else LONGEST_WAIT_SECONDS

    def _pop(self, until: datetime) -> tuple[datetime, Callable[[], None]] | None:
        with self._changed:
            if self._stopped or not self._tasks or self._tasks[0][0] > until:
                return None
            when, _, run = heapq.heappop(self._tasks)
            return when, run

    def _run(self, task: Callable[[], None]) -> None:
        try:
            task()
        except Exception:
            # One broken task must not stop the world's time; the traceback says which.
            log.exception("a planned task failed")

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
