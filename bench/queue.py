"""Nudges through the queue: how many a second are sent by one process and taken by one worker's two threads."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from huey.consumer import Consumer

from bench import ground
from mingus.jobs import HueyJobs
from mingus.jobs import JobKind
from mingus.worker import THREADS

NUDGES = {False: 1_000, True: 5_000}
LONGEST_SECONDS = 120.0
GOALS = ()


def measure(*, long: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, ground.databases(Path(name)) as found:
        for kind in found.kinds:
            sent, taken = _one(found.fresh(kind), NUDGES[long])
            figures |= {f"{kind}_sent_per_second": sent, f"{kind}_taken_per_second": taken}
    return figures


def _one(url: str, nudges: int) -> tuple[int, int]:
    jobs: Any = HueyJobs(url)
    jobs.prepare()
    began = time.perf_counter()
    for number in range(nudges):
        jobs.enqueue(JobKind.SYNC, connection_id=f"con_{number:026}")
    sent = nudges / (time.perf_counter() - began)
    counted, done, lock = [0], threading.Event(), threading.Lock()

    def take(**_ids: str) -> None:
        with lock:
            counted[0] += 1
            if counted[0] == nudges:
                done.set()

    jobs.bind({JobKind.SYNC: take})
    consumer = Consumer(jobs.huey, workers=THREADS, periodic=False, initial_delay=0.01, max_delay=0.05)
    began = time.perf_counter()
    consumer.start()
    if not done.wait(LONGEST_SECONDS):
        msg = "nudges were lost"
        raise SystemExit(msg)
    taken = nudges / (time.perf_counter() - began)
    consumer.stop(graceful=True)
    return round(sent), round(taken)
