"""A threaded HTTP/1.1 server for one WSGI application, with keep-alive and honest connection resets."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import unquote_to_bytes

from mingus.simulator.config import ConfigRefused
from mingus.simulator.spoil import Cut

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable

    from mingus.simulator.config import Config
    from mingus.simulator.wsgi import Application

log = logging.getLogger("mingus.simulator")

MAX_REQUEST_BYTES = 20_000_000
IDLE_SECONDS = 120


class Server(ThreadingHTTPServer):
    """Serves the application; `port` is the real one when 0 was asked for."""

    daemon_threads = True
    # Joining every kept-alive connection would make stopping wait for idle clients.
    block_on_close = False
    request_queue_size = 128

    def __init__(self, app: Application, config: Config) -> None:
        self.app = app
        try:
            super().__init__((config.host, config.port), Handler)
        except OSError as error:
            message = f"cannot listen on {config.host}:{config.port}: {error.strerror or error}"
            raise ConfigRefused(message) from error
        self.url = f"http://{_bracketed(config.host)}:{self.port}"
        if config.public_url is None:
            app.sim.public_url = self.url

    @property
    def port(self) -> int:
        """The port that is really listened on."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        """Clients that hang up are no news; anything else is."""
        trouble = sys.exception()
        if not isinstance(trouble, ConnectionError | TimeoutError):
            log.error("a request failed", exc_info=trouble, extra={"client": str(client_address)})

    def run_in_thread(self) -> threading.Thread:
        """Serve in a thread of its own until `shutdown`."""
        thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="simulator-http", daemon=True)
        thread.start()
        return thread


class Handler(BaseHTTPRequestHandler):
    """One connection: reads a request whole, asks the application, writes the answer."""

    protocol_version = "HTTP/1.1"
    server_version = "simulator"
    sys_version = ""
    timeout = IDLE_SECONDS
    # Without it small answers wait for the client's delayed acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: Server

    def handle_any(self) -> None:
        """Answer the request in hand."""
        body = self._read_body()
        if body is None:
            return
        try:
            self._answer(self._environ(body))
        except Cut:
            self._reset()
        except Exception:
            # The edge: whatever broke inside must answer 500 and leave the server standing.
            log.exception("the simulator failed", extra={"path": self.path.partition("?")[0]})
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.send_error(500)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = handle_any  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:
        """Calls are in the simulator's own log; nothing goes to stderr."""

    def _read_body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= MAX_REQUEST_BYTES:
            self.close_connection = True
            self.send_error(413 if length > 0 else 400)
            return None
        return self.rfile.read(length)

    def _read_chunks(self) -> bytes | None:
        parts, total = [], 0
        while True:
            try:
                size = int(self.rfile.readline(64).partition(b";")[0], 16)
            except ValueError:
                size = -1
            total += size
            if size < 0 or total > MAX_REQUEST_BYTES:
                self.close_connection = True
                self.send_error(413 if size >= 0 else 400)
                return None
            parts.append(self.rfile.read(size))
            self.rfile.readline(64)
            if size == 0:
                return b"".join(parts)

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        environ = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": str(self.server.server_address[0]),
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                environ[f"HTTP_{key}"] = value
        return environ

    def _answer(self, environ: dict[str, Any]) -> None:
        status, headers = "", list[tuple[str, str]]()

        def start_response(
            line: str, fields: list[tuple[str, str]], _: Any = None
        ) -> Callable[[bytes], object]:
            nonlocal status, headers
            status, headers = line, fields
            return self.wfile.write

        chunks = self.server.app(environ, start_response)
        try:
            self._write(status, headers, chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close:
                close()

    def _write(self, status: str, headers: list[tuple[str, str]], chunks: Iterable[bytes]) -> None:
        code, _, reason = status.partition(" ")
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), None)
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        chunked = length is None and self.command != "HEAD" and code not in ("204", "304")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command == "HEAD":
            return
        sent = self._write_chunks(
            chunks, chunked=chunked, flush_each=length is None or not isinstance(chunks, list)
        )
        if length is not None and sent < length:
            # A truncated answer: only closing tells the client that no more will come.
            self.close_connection = True

    def _write_chunks(self, chunks: Iterable[bytes], *, chunked: bool, flush_each: bool) -> int:
        sent = 0
        for chunk in chunks:
            if not chunk:
                continue
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
            sent += len(chunk)
            if flush_each:
                self.wfile.flush()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        return sent

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
