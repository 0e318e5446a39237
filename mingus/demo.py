"""The demo person: for trying MINGUS on one's own machine, refused in production."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mingus.auth.failures import AddressTaken
from mingus.auth.models import Role
from mingus.local_setup import DEMO_EMAIL
from mingus.local_setup import DEMO_PASSWORD

if TYPE_CHECKING:
    from mingus.services import Services


def seed(services: Services) -> None:
    """Make the demo person, who may see the admin pages too; safe to repeat."""
    try:
        services.auth.create(email=DEMO_EMAIL, display_name="Demo", password=DEMO_PASSWORD, role=Role.ADMIN)
    except AddressTaken:
        return
