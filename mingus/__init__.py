"""MINGUS: personal finance that links banks through Plaid and keeps them in step."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from flask import Flask

    from mingus.config import Settings


def create_app(settings: Settings | None = None, **parts: Any) -> Flask:
    """The application. Imported here and not above, so that the simulator loads none of it."""
    from mingus import app

    return app.create_app(settings, **parts)
