"""How gunicorn runs the web process: threads, since requests wait for the database and not for the processor."""

from __future__ import annotations

import os

worker_class = "mingus.slowness.PatientWorker"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
threads = int(os.environ.get("WEB_THREADS", "8"))
request_seconds = float(os.environ.get("WEB_REQUEST_SECONDS", "20"))  # for a request to arrive whole
timeout = 30
graceful_timeout = 10
keepalive = 15
# the control socket has one place per machine, which several installations would share
control_socket_disable = True
# a line of ours for each request says the rule and not the path, which may carry a one-time link
accesslog = None
errorlog = "-"
loglevel = "warning"
limit_request_line = 8190
limit_request_fields = 60
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 (heartbeats off the disk)
