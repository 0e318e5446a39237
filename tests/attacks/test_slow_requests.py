"""A real server and senders that take their time: what does not arrive whole in time is ended."""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ENCRYPTION_KEY
from tests.conftest import ROOT
from tests.conftest import SESSION_KEY
from tests.support.made import share

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAUSE_SECONDS = 0.2  # between two bytes: no single wait is long
MOST_BYTES = 200
HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{length}\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Our web process with one second of patience."""
    folder: Path = tmp_path_factory.mktemp("slow")
    environment = {
        **os.environ,
        "SESSION_SECRET_KEY": SESSION_KEY,
        "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "MINGUS_DATA_DIR": str(share(folder)),
        "WEB_REQUEST_SECONDS": "1",
    }
    python = [sys.executable, "-m"]
    subprocess.run([*python, "flask", "--app", "wsgi", "migrate"], cwd=ROOT, env=environment, check=True)
    command = [*python, "gunicorn", "-c", "python:mingus.gunicorn_conf", "-b", "127.0.0.1:0", "wsgi:app"]
    command += ["--log-level", "info"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = next(m for line in process.stderr if (m := re.search(r"http://127\.0\.0\.1:(\d+)", line)))
        yield int(found[1])
        process.terminate()
        process.communicate()


def drip(port: int, head: str, byte: bytes = b"x") -> str:
    """What the server says to somebody who sends `head` and then byte after byte, until it ends the connection."""
    said = b""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode())
        for _ in range(MOST_BYTES):
            if select.select([connection], [], [], PAUSE_SECONDS)[0]:
                break
            connection.sendall(byte)
        else:
            pytest.fail("the server waits for ever")
        try:
            while more := connection.recv(65536):
                said += more
        except ConnectionResetError:
            pass  # it ended with bytes of ours unread
    return said.decode()


@pytest.mark.parametrize(
    ("path", "kind", "byte"),
    [
        ("/api/plaid/webhook", "application/json", b" "),
        ("/login", "application/x-www-form-urlencoded", b"x"),
        ("/login", "multipart/form-data; boundary=b", b"x"),
        ("/browser-reports", "application/csp-report", b" "),
    ],
)
def test_a_body_that_drips_in_gets_408_and_the_end(port: int, path: str, kind: str, byte: bytes) -> None:
    said = drip(port, HEAD.format(path=path, kind=kind, length="Content-Length: 9000"), byte)
    assert said.startswith("HTTP/1.1 408 ")
    assert "Traceback" not in said


def test_a_body_in_drips_of_chunks_too(port: int) -> None:
    head = HEAD.format(
        path="/login", kind="application/x-www-form-urlencoded", length="Transfer-Encoding: chunked"
    )
    assert drip(port, head, b"1\r\nx\r\n").startswith("HTTP/1.1 408 ")


def test_a_head_that_never_ends_is_dropped(port: int) -> None:
    assert drip(port, "GET /login HTTP/1.1\r\nHost: localhost\r\nX: ") == ""


def test_whoever_is_quick_is_served_on_the_same_connection(port: int) -> None:
    body = "csrf_token=x"
    length = f"Content-Length: {len(body)}"
    form = HEAD.format(path="/login", kind="application/x-www-form-urlencoded", length=length) + body
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answers:
        for _ in range(3):
            connection.sendall(form.encode())
            assert answers.readline().startswith(b"HTTP/1.1 400 ")
            size = 0
            while (line := answers.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            answers.read(size)
