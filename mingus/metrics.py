"""Counts and times for Prometheus. Off until `configure`; then every process of a machine counts into one folder.

What can be read off rows at any moment (what waits, how connections are, how old the newest backup is) is asked at
the time of the scrape, in `admin/gauges`; here is only what happens once and is gone.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
OF_PROCESS = re.compile(r"_(\d+)\.db$")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class _Meters:
    """The meters of this process."""

    def __init__(self) -> None:
        import prometheus_client as client  # only here: its kind of value is chosen when it is first imported

        self.requests = client.Histogram(
            "mingus_http_request_seconds",
            "Answers to requests, by rule.",
            ("method", "route", "status"),
            buckets=SECONDS,
        )
        self.calls = client.Histogram(
            "mingus_plaid_call_seconds",
            "Calls to Plaid, by endpoint and error code.",
            ("endpoint", "code"),
            buckets=SECONDS,
        )
        self.syncs = client.Counter("mingus_syncs", "Syncs that ended, by how.", ("status",))
        self.rows = client.Counter(
            "mingus_sync_rows", "Rows that syncs wrote, by what was done.", ("change",)
        )
        self.webhooks = client.Counter("mingus_webhooks", "Webhooks that came, by verdict.", ("verdict",))
        self.jobs = client.Histogram(
            "mingus_job_seconds",
            "Work of workers, by kind and outcome.",
            ("kind", "outcome"),
            buckets=SECONDS,
        )


_meters: _Meters | None = None


def configure(folder: Path) -> None:
    """Begin to count; the second time nothing changes. What dead processes left is cleared away."""
    global _meters
    if _meters is not None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.db"):
        found = OF_PROCESS.search(path.name)
        if found is not None and not _lives(int(found.group(1))):
            path.unlink(missing_ok=True)
    os.environ[FOLDER_VARIABLE] = str(folder)
    _meters = _Meters()


def request_done(*, method: str, route: str | None, status: int, seconds: float) -> None:
    if _meters is not None:
        _meters.requests.labels(method, route or "none", str(status)).observe(seconds)


def call_done(*, endpoint: str, code: str | None, seconds: float) -> None:
    if _meters is not None:
        _meters.calls.labels(endpoint, code or "ok").observe(seconds)


def sync_done(*, status: str, **rows: int) -> None:
    """`rows`: how many were added, modified, removed, parked or quarantined."""
    if _meters is not None:
        _meters.syncs.labels(status).inc()
        for change, count in rows.items():
            _meters.rows.labels(change).inc(count)


def webhook_came(verdict: str) -> None:
    if _meters is not None:
        _meters.webhooks.labels(verdict).inc()


def job_done(*, kind: str, outcome: str, seconds: float) -> None:
    if _meters is not None:
        _meters.jobs.labels(kind, outcome).observe(seconds)


def exposition(gauges: Callable[[], Any]) -> tuple[bytes, str]:
    """Everything in Prometheus' own text, over all processes of this machine, and its content type.

    `gauges` gives metric families that are asked for now.
    """
    import prometheus_client as client
    from prometheus_client import multiprocess
    from prometheus_client.registry import Collector

    class Asked(Collector):
        def collect(self) -> Any:
            return gauges()

    registry = client.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library does not say
    registry.register(Asked())
    return client.generate_latest(registry), client.CONTENT_TYPE_LATEST


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
