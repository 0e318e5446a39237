"""The entry for gunicorn and for `flask --app wsgi`."""

from __future__ import annotations

from mingus.startup import started_app

app = started_app()
