"""Cold starts: from the command to the first answer of the web process, and to the worker's first look at the queue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import ground
from bench.goals import Goal
from bench.parts import ROOT
from bench.webhooks import free_port
from bench.webhooks import wait_for

READINGS = {False: 3, True: 7}
STARTED = "worker started"
GOALS = (Goal("web_seconds", at_most=3), Goal("worker_seconds", at_most=3))


def measure(*, long: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        variables = ground.environment(
            f"sqlite:///{folder / 'mingus.sqlite3'}", folder, PLAID_LOG_LEVEL="INFO"
        )
        environment = {**os.environ, **variables}
        migrate = [sys.executable, "-m", "flask", "--app", "wsgi", "migrate"]
        subprocess.run(
            migrate,
            cwd=ROOT,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        readings = range(READINGS[long])
        return {
            "web_seconds": round(min(_web(environment) for _ in readings), 2),
            "worker_seconds": round(min(_worker(environment) for _ in readings), 2),
        }


def _web(environment: dict[str, str]) -> float:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "python:mingus.gunicorn_conf"]
    began = time.perf_counter()
    server = subprocess.Popen(
        [*command, "-b", f"127.0.0.1:{port}", "wsgi:app"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port, pause=0.01)
        return time.perf_counter() - began
    finally:
        server.terminate()
        server.wait(timeout=20)


def _worker(environment: dict[str, str]) -> float:
    began = time.perf_counter()
    worker = subprocess.Popen(
        [sys.executable, "-m", "mingus.worker"], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        for line in worker.stderr or ():
            if json.loads(line)["event"] == STARTED:
                return time.perf_counter() - began
        msg = "the worker did not start"
        raise SystemExit(msg)
    finally:
        worker.terminate()
        worker.wait(timeout=30)
