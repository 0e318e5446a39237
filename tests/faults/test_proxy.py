"""nginx with the file that operators copy, in front of our web process: what people and their browsers get through it.

Ports, folders and the certificate are the test's own; every other word of the file is what is delivered.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
import urllib3
from sqlalchemy import select
from urllib3.util import Timeout

from mingus import create_app
from mingus.app import MAX_BODY_BYTES
from mingus.app import ROOM_FOR
from mingus.audit import AuditAction
from mingus.audit import AuditEvent
from mingus.auth.passwords import Passwords
from mingus.db import db
from mingus.jobs import InlineJobs
from mingus.webhooks.inbox import LARGEST_BODY_BYTES
from tests import factories
from tests.conftest import ENCRYPTION_KEY
from tests.conftest import ROOT
from tests.conftest import SESSION_KEY
from tests.conftest import settings_for
from tests.support.made import share

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from urllib3 import BaseHTTPResponse

HOST = "money.example.com"
VISITOR = "127.9.8.7"
MOST_SECONDS = 60.0
MEBI = 1024 * 1024
DEPLOY = ROOT / "deploy"
SENDERS, RELOADS = 4, 3
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """nginx, what it stands before, and how to speak with it."""

    app: Flask
    web: subprocess.Popen[str]
    nginx: subprocess.Popen[bytes]
    plain_port: int
    tls_port: int
    certificate: Path

    def pool(self, **more: object) -> urllib3.HTTPSConnectionPool:
        """Connections of one visitor, who believes the certificate and nothing else."""
        return urllib3.HTTPSConnectionPool(
            "127.0.0.1",
            self.tls_port,
            ca_certs=str(self.certificate),
            server_hostname=HOST,
            assert_hostname=HOST,
            headers={"Host": HOST},
            timeout=Timeout(MOST_SECONDS),
            retries=False,
            **more,  # type: ignore[arg-type]  # the address to come from
        )


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    nginx, openssl = shutil.which("nginx"), shutil.which("openssl")
    if nginx is None or openssl is None:
        pytest.skip("nginx or openssl is not on this machine")
    folder = tmp_path_factory.mktemp("proxy")
    certificate = self_made(openssl, folder)
    url = f"sqlite:///{folder / 'mingus.sqlite3'}"
    environment = {
        **os.environ,
        "SESSION_SECRET_KEY": SESSION_KEY,
        "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "DATABASE_URL": url,
        "QUEUE_URL": f"sqlite:///{folder / 'queue.sqlite3'}",
        "MINGUS_DATA_DIR": str(share(folder)),
        "MINGUS_BASE_URL": f"https://{HOST}",
        "MINGUS_TRUSTED_PROXIES": "1",
        "WEB_CONCURRENCY": "2",
    }
    python = [sys.executable, "-m"]
    subprocess.run([*python, "flask", "--app", "wsgi", "migrate"], cwd=ROOT, env=environment, check=True)
    app = create_app(settings_for(folder, url), jobs=InlineJobs(), passwords=Passwords(memory_kib=64))
    factories.make_person(app)
    command = [*python, "gunicorn", "-c", "python:mingus.gunicorn_conf", "-b", "127.0.0.1:0", "wsgi:app"]
    command += ["--log-level", "info"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as web:
        assert web.stderr is not None
        port = next(int(m[1]) for line in web.stderr if (m := re.search(r"//127\.0\.0\.1:(\d+)", line)))
        booted(web, 2)
        plain, tls = free_port(), free_port()
        written = configured(folder, certificate, web=port, plain=plain, tls=tls)
        with subprocess.Popen([nginx, "-c", str(written), "-e", str(folder / "error.log")]) as proxy:
            yield Front(
                app=app, web=web, nginx=proxy, plain_port=plain, tls_port=tls, certificate=certificate
            )
            proxy.terminate()
        web.terminate()
        web.communicate()
    with app.app_context():
        db.engine.dispose()


def self_made(openssl: str, folder: Path) -> Path:
    certificate = folder / "certificate.pem"
    make = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    names = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(certificate)]
    subprocess.run([openssl, *make, *names, *files], check=True, capture_output=True)
    return certificate


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


def configured(folder: Path, certificate: Path, *, web: int, plain: int, tls: int) -> Path:
    """The delivered file with places of this test."""
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for there, here in (
        ("    listen [::]:80;\n", ""),
        ("    listen [::]:443 ssl http2;\n", ""),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{tls} ssl"),
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{web};"),
        (f"/etc/letsencrypt/live/{HOST}/fullchain.pem", str(certificate)),
        (f"/etc/letsencrypt/live/{HOST}/privkey.pem", str(folder / "key.pem")),
        ("/etc/nginx/mingus_proxy.conf", str(DEPLOY / "mingus_proxy.conf")),
    ):
        assert there in text
        text = text.replace(there, here)
    places = "".join(
        f"{kind}_temp_path {folder / kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    as_root = "user root;\n" if os.geteuid() == 0 else ""
    whole = folder / "nginx.conf"
    whole.write_text(
        f"{as_root}daemon off;\npid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{places}{text}\n}}\n",
        encoding="utf-8",
    )
    return whole


def booted(web: subprocess.Popen[str], workers: int) -> None:
    """Wait until so many new workers said that they are there."""
    assert web.stderr is not None
    for line in web.stderr:
        workers -= "Booting worker" in line
        if workers == 0:
            return


@pytest.fixture
def visitor(front: Front) -> Iterator[urllib3.HTTPSConnectionPool]:
    with front.pool(source_address=(VISITOR, 0)) as pool:
        assert reached(pool)
        yield pool


def reached(pool: urllib3.HTTPSConnectionPool) -> bool:
    """Whether nginx and the web process behind it answer, once both are up."""
    return pool.request("GET", "/healthz", retries=urllib3.Retry(20, backoff_factor=0.05)).status == 200


def cookies_of(response: BaseHTTPResponse) -> SimpleCookie:
    found: SimpleCookie = SimpleCookie()
    for line in response.headers.getlist("Set-Cookie"):
        found.load(line)
    return found


def test_what_comes_without_tls_is_sent_to_https(front: Front, visitor: urllib3.HTTPSConnectionPool) -> None:
    asked = {"Host": HOST}
    with urllib3.HTTPConnectionPool("127.0.0.1", front.plain_port, retries=False) as pool:
        answer = pool.request("POST", "/login?next=/accounts", headers=asked, redirect=False)
    assert answer.status == 308
    assert answer.headers["Location"] == f"https://{HOST}/login?next=/accounts"


def test_people_sign_in_with_a_cookie_that_only_travels_by_tls_and_their_own_address(
    front: Front, visitor: urllib3.HTTPSConnectionPool
) -> None:
    page = visitor.request("GET", "/login")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.data.decode())
    first = cookies_of(page)
    assert token is not None
    assert set(first) == {"__Host-mingus"}
    headers = {
        "Host": HOST,
        "Referer": f"https://{HOST}/login",
        "Cookie": f"__Host-mingus={first['__Host-mingus'].value}",
        "X-Forwarded-For": "203.0.113.7",  # what a visitor claims is nobody's word
        "X-Forwarded-Host": "evil.example",
    }
    fields = {"csrf_token": token[1], "email": factories.ADA, "password": factories.PASSWORD}
    answer = visitor.request(
        "POST", "/login", headers={**headers, **FORM}, body=urlencode(fields), redirect=False
    )
    assert answer.status == 303
    assert answer.headers["Location"] == "/"
    given = cookies_of(answer)
    assert "__Host-mingus" in given
    assert all((one["secure"], one["httponly"], one["path"]) == (True, True, "/") for one in given.values())
    sent = "; ".join(f"{name}={one.value}" for name, one in given.items())
    inside = visitor.request("GET", "/settings", headers={"Host": HOST, "Cookie": sent}, redirect=False)
    assert inside.status == 200
    assert "max-age=" in inside.headers["Strict-Transport-Security"]
    with front.app.app_context():
        signed_in = AuditEvent.action == AuditAction.SIGNED_IN.value
        address = db.session.scalars(
            select(AuditEvent.address).where(signed_in).order_by(AuditEvent.seq.desc())
        ).first()
    assert address == "127.9.8.0"


def test_static_files_are_compressed_and_kept_for_ever(visitor: urllib3.HTTPSConnectionPool) -> None:
    page = visitor.request("GET", "/login").data.decode()
    sheet = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert sheet is not None
    headers = {"Host": HOST, "Accept-Encoding": "br"}
    answer = visitor.request("GET", sheet[1], headers=headers, decode_content=False)
    assert answer.headers["Cache-Control"].endswith("public, immutable")
    assert answer.headers["Content-Encoding"] == "br"


def test_pages_are_kept_by_nobody(visitor: urllib3.HTTPSConnectionPool) -> None:
    for path in ("/login", "/api/plaid/pulse"):
        assert "no-store" in visitor.request("GET", path, redirect=False).headers["Cache-Control"]


def test_the_proxy_lets_through_what_the_largest_file_needs_and_no_more(
    visitor: urllib3.HTTPSConnectionPool,
) -> None:
    largest = max(MAX_BODY_BYTES, *ROOM_FOR.values())
    sizes = re.findall(r"client_max_body_size (\d+)([mk]);", (DEPLOY / "nginx.conf").read_text())
    given = sorted(int(number) * {"m": MEBI, "k": 1024}[unit] for number, unit in sizes)
    assert given == [LARGEST_BODY_BYTES, largest]
    headers = {"Host": HOST, **FORM}
    for path, size in (("/api/plaid/webhook", LARGEST_BODY_BYTES), ("/login", largest)):
        over = visitor.request("POST", path, headers=headers, body=b"x" * (size + 1))
        assert (over.status, b"nginx" in over.data) == (413, True)
    within = visitor.request("POST", "/login", headers=headers, body=b"x" * largest)
    assert (within.status, b"nginx" in within.data) == (413, False), "the web process has its own limit"


def test_no_request_is_lost_while_web_processes_and_proxy_are_replaced(
    front: Front, visitor: urllib3.HTTPSConnectionPool
) -> None:
    over, statuses = threading.Event(), []

    def send() -> None:
        with front.pool() as pool:
            while not over.is_set():
                statuses.append(pool.request("GET", "/login").status)
                statuses.append(pool.request("POST", "/login", headers={"Host": HOST, **FORM}).status)

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    for _ in range(RELOADS):
        front.web.send_signal(signal.SIGHUP)
        booted(front.web, 2)
        front.nginx.send_signal(signal.SIGHUP)
        so_far = len(statuses)
        while len(statuses) < so_far + 40 and any(sender.is_alive() for sender in senders):
            over.wait(0.05)
    over.set()
    for sender in senders:
        sender.join()
    assert len(statuses) > 40 * RELOADS
    assert set(statuses) == {200, 400}, {status: statuses.count(status) for status in set(statuses)}
