"""A person's catalogue: the bank's categories and their own, in one query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus.db import db
from mingus.transactions.categories import Catalogue
from mingus.transactions.categories import Category
from mingus.transactions.models import OwnCategory

if TYPE_CHECKING:
    from mingus.auth.models import UserId


def of(user_id: UserId) -> Catalogue:
    """The categories that the person can choose from, and names for every code on their rows."""
    rows = db.session.scalars(
        select(OwnCategory).where(OwnCategory.user_id == user_id).order_by(OwnCategory.name)
    )
    return Catalogue(_category(row) for row in rows)


def _category(row: OwnCategory) -> Category:
    return Category(
        code=row.id, label=row.name, icon=row.icon, hue=row.hue, parent=row.parent or None, own=True
    )
