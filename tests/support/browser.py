"""A test client that sends forms as a browser would, token included."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING
from typing import Any

from flask import has_app_context
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from mingus.db import db

if TYPE_CHECKING:
    from werkzeug.test import TestResponse
    from werkzeug.wrappers import Response

SALT = "wtf-csrf-token"


class Browser(FlaskClient):
    """Keeps cookies, sends CSRF tokens, reads text."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        """Every answer is read whole, so that no file stays open.

        A test's own context lends its session to the request: what the test has read is read anew, as anywhere else.
        """
        options.setdefault("buffered", True)
        if has_app_context():
            db.session.rollback()
        return super().open(*args, **options)

    def csrf_token(self) -> str:
        """The token that a page of this session would carry."""
        with self.session_transaction() as session:
            raw = session.setdefault("csrf_token", secrets.token_hex(20))
        key = self.application.config["SECRET_KEY"]
        return str(URLSafeTimedSerializer(key, salt=SALT).dumps(raw))

    def submit(self, url: str, **fields: Any) -> TestResponse:
        """Send a form with its token."""
        return self.post(url, data={**fields, "csrf_token": self.csrf_token()})

    def send_json(self, url: str, body: Any, method: str = "POST") -> TestResponse:
        """Call the JSON API as the pages' script does."""
        headers = {"X-CSRFToken": self.csrf_token(), "Accept": "application/json"}
        return self.open(url, method=method, json=body, headers=headers)


def text_of(response: Response) -> str:
    """What a person reads of a page: no tags, one blank between words."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True)).split())
