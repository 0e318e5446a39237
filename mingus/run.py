"""`make run`: simulator, web and worker under one supervisor, for one machine. `python -m mingus.run`.

On a server each part is a line of the Procfile and belongs to the machine's own supervisor.
"""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mingus import config
from mingus.config import ROOT
from mingus.config import PlaidEnvironment
from mingus.environ import is_loopback
from mingus.local_setup import DEMO_EMAIL
from mingus.local_setup import DEMO_PASSWORD
from mingus.local_setup import write_env

if TYPE_CHECKING:
    from mingus.config import Settings

READY_SECONDS = 60.0
STOP_SECONDS = 10.0
RESTARTS = 5
POLL_SECONDS = 0.05
LOCAL_DEFAULTS = {"PORT": "5000", "SIMULATOR_PORT": "5001"}


@dataclass(slots=True)
class Part:
    """One program of the installation."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = field(default=0)

    def start(self) -> None:
        # a group of its own: Ctrl-C reaches the supervisor alone, which then stops the parts in order
        self.process = subprocess.Popen(self.command, cwd=ROOT, start_new_session=True)

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait_or_kill(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class StartRefused(Exception):
    """Something stands in the way; the message is for the operator."""


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def port(name: str) -> int:
    raw = os.environ.get(name) or LOCAL_DEFAULTS[name]
    if not raw.isdigit() or not 1 <= int(raw) <= 65_535:
        message = f"{name}: {raw!r} is not a port. Use a number from 1 to 65535."
        raise StartRefused(message)
    return int(raw)


def check_free(name: str, number: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError as err:
            message = f"Port {number} is taken. Stop what uses it, or choose another: {name}=… make run"
            raise StartRefused(message) from err


def local_addresses(web_port: int, simulator_port: int) -> None:
    """Let the ports decide the addresses that were not set by hand."""
    os.environ.setdefault("MINGUS_BASE_URL", f"http://localhost:{web_port}")
    base_url = os.environ["MINGUS_BASE_URL"]
    if (os.environ.get("PLAID_ENV") or "simulator") == "simulator":
        os.environ.setdefault("PLAID_HOST", f"http://127.0.0.1:{simulator_port}")
        os.environ.setdefault("PLAID_WEBHOOK_URL", f"{base_url}/api/plaid/webhook")
        os.environ.setdefault("PLAID_REDIRECT_URI", f"{base_url}/plaid/callback")


def parts(settings: Settings, web_port: int, simulator_port: int) -> list[Part]:
    """The programs that this environment needs, in the order of their start."""
    python = sys.executable
    state = str(settings.data_dir / "simulator.sqlite3")
    simulator = [python, "-m", "mingus.simulator", "--port", str(simulator_port), "--state", state]
    web = [
        python,
        "-m",
        "gunicorn",
        "-c",
        "python:mingus.gunicorn_conf",
        "-b",
        f"127.0.0.1:{web_port}",
        "wsgi:app",
    ]
    found = [Part("simulator", simulator)] if settings.environment is PlaidEnvironment.SIMULATOR else []
    return [*found, Part("web", web), Part("worker", [python, "-m", "mingus.worker"])]


def is_prepared(settings: Settings) -> bool:
    """True when a local SQLite file is at the newest migration and has the demo person.

    Asked without the app, whose import takes longer than all else at a second start. Each part looks at the
    keys itself.
    """
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    if not settings.database_url.startswith("sqlite") or not path.is_file():
        return False
    newest = max(
        found.name.partition("_")[0] for found in (ROOT / "migrations" / "versions").glob("[0-9]*.py")
    )
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            at = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            demo = connection.execute("SELECT 1 FROM users WHERE email = ?", (DEMO_EMAIL,)).fetchall()
    except sqlite3.Error:
        return False
    return at == [(newest,)] and (bool(demo) or not settings.demo)


def prepare(settings: Settings) -> None:
    """Migrate, and make the demo person where one is wanted."""
    if is_prepared(settings):
        return
    from mingus import create_app  # the heavy part: only after settings and ports are known to be good
    from mingus import demo
    from mingus import schema
    from mingus.services import services
    from mingus.startup import check_keys

    with create_app(settings).app_context():
        check_keys()
        if not schema.is_current():
            schema.upgrade(services())
        if settings.demo:
            demo.seed(services())


def wait_until_served(number: int, running: list[Part]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if any(part.process is not None and part.process.poll() is not None for part in running):
            message = "A part stopped at its start; its own lines above say why."
            raise StartRefused(message)
        try:
            socket.create_connection(("127.0.0.1", number), timeout=1).close()
        except OSError:
            time.sleep(POLL_SECONDS)
        else:
            return
    message = f"The web process did not answer within {READY_SECONDS:.0f} s."
    raise StartRefused(message)


def greet(settings: Settings) -> None:
    tell("")
    tell(f"  MINGUS is at {settings.base_url}")
    if settings.demo:
        tell(f"  Demo sign-in: {DEMO_EMAIL} with the password {DEMO_PASSWORD}")
    if settings.environment is PlaidEnvironment.SIMULATOR:
        tell(f"  The banks are simulated: {settings.plaid_host}")
    if settings.environment is PlaidEnvironment.DEVELOPMENT:
        tell("  Plaid retired its Development host in 2024: this is a trial on the production host.")
    if settings.mails_stay_here:
        tell(f"  Mails lie in {settings.outbox_dir}")
    tell("  Ctrl-C stops everything.")
    tell("")


def watch(running: list[Part], stopping: list[bool]) -> int:
    """Start again what dies, a few times each; returns when told to stop or when a part won't stay up."""
    while not stopping:
        for part in running:
            if part.process is None or part.process.poll() is None:
                continue
            if part.restarts >= RESTARTS:
                tell(f"The {part.name} stopped {RESTARTS} times; giving up.")
                return 1
            part.restarts += 1
            tell(f"The {part.name} stopped (status {part.process.returncode}); starting it again.")
            part.start()
        time.sleep(0.2)
    return 0


def stop(running: list[Part]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    for part in reversed(running):
        part.ask_to_stop()
    for part in running:
        part.wait_or_kill(deadline)


def supervise() -> int:
    """Run everything until Ctrl-C; raises StartRefused or SettingsRefused before anything runs."""
    write_env(ROOT)
    web_port, simulator_port = port("PORT"), port("SIMULATOR_PORT")
    local_addresses(web_port, simulator_port)
    settings = config.load()
    if not is_loopback(urlsplit(settings.base_url).hostname):
        tell(f"Serving 127.0.0.1:{web_port}; {settings.base_url} must lead here.")
    check_free("PORT", web_port)
    if settings.environment is PlaidEnvironment.SIMULATOR:
        check_free("SIMULATOR_PORT", simulator_port)
    running = parts(settings, web_port, simulator_port)
    stopping: list[bool] = []
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stopping.append(True))
    prepare(settings)
    try:
        for part in running:
            part.start()
        wait_until_served(web_port, running)
        greet(settings)
        return watch(running, stopping)
    finally:
        stop(running)


def main() -> int:
    try:
        return supervise()
    except config.SettingsRefused as err:
        tell("MINGUS does not start with these settings:")
        for problem in err.problems:
            tell(f"  {problem}")
        return 2
    except StartRefused as err:
        tell(str(err))
        return 1


if __name__ == "__main__":
    sys.exit(main())
