"""A site to be visited: one gunicorn process over a filled book, and who owns it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import book
from bench import ground
from bench.parts import ROOT
from bench.webhooks import wait_for
from mingus.db import db
from tests import factories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from mingus.auth.models import UserId

OWN = "wsgi:app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody with very many rows, signed in."""

    app: Flask
    database: str
    user_id: UserId
    cookie: str


def member(database: str, folder: Path, rows: int) -> Member:
    """A person with so many transactions in a database of their own."""
    app = ground.open_app("http://127.0.0.1:9", database, folder)
    with app.app_context():
        person = ground.make_person()
        book.fill(person, rows)
    browser = factories.sign_in(app, person)
    # the first page puts its form's secret into the session: its cookies stay from then on
    browser.get("/accounts")
    kept = (browser._cookies or {}).values()  # noqa: SLF001 (what a browser would send)
    with app.app_context():
        db.engine.dispose()
    cookie = "; ".join(f"{one.key}={one.value}" for one in kept)
    return Member(app=app, database=database, user_id=person, cookie=cookie)


@contextmanager
def served(target: str, variables: dict[str, str], port: int) -> Iterator[int]:
    """What answers there as long as the block lasts; its process."""
    command = [sys.executable, "-m", "gunicorn", "-c", "python:mingus.gunicorn_conf"]
    server = subprocess.Popen(
        [*command, "-b", f"127.0.0.1:{port}", target], cwd=ROOT, env={**os.environ, **variables}
    )
    try:
        wait_for(port)
        yield server.pid
    finally:
        server.terminate()
        server.wait(timeout=20)


def used_by(process: int) -> float:
    """Seconds of a processor that a process and its children have used so far."""
    tasks = Path(f"/proc/{process}/task")
    children = [child for task in tasks.iterdir() for child in (task / "children").read_text().split()]
    # behind the name, which may hold anything: the twelfth and thirteenth are user's and system's ticks
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(used_by(int(child)) for child in children)
