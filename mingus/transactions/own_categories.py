"""The categories that people make for themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from mingus.db import unit_of_work
from mingus.errors import MingusError
from mingus.errors import NotFound
from mingus.plaid.ledger import TransactionChoice
from mingus.transactions import sums
from mingus.transactions.models import OwnCategory
from mingus.transactions.models import TransactionRule

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.auth.models import UserId

MOST_CATEGORIES = 200


class NameTaken(MingusError):
    """You have a category of that name already."""

    status = 409
    code = "name_taken"


class TooManyCategories(MingusError):
    """You have as many categories as there can be. Please delete one first."""

    status = 422
    code = "too_many_categories"


class OwnCategories:
    """Makes, changes and removes them."""

    def __init__(self, ambient: Ambient) -> None:
        self._ambient = ambient

    def write(
        self,
        user_id: UserId,
        *,
        name: str,
        icon: str,
        hue: str,
        parent: str | None,
        category_id: str | None = None,
    ) -> str:
        """Make one, or write one anew; gives its code. Raises NameTaken, NotFound or TooManyCategories."""
        try:
            with unit_of_work() as unit:
                if category_id is None:
                    mine = select(func.count()).where(OwnCategory.user_id == user_id)
                    if (unit.session.scalar(mine) or 0) >= MOST_CATEGORIES:
                        raise TooManyCategories
                    category = OwnCategory(id=self._ambient.new_id("cat"), user_id=user_id)
                    unit.session.add(category)
                else:
                    found = unit.lock(OwnCategory, category_id)
                    if found is None or found.user_id != user_id:
                        raise NotFound
                    category = found
                category.name, category.icon = name, icon
                category.hue, category.parent = hue, parent
                return category.id
        except IntegrityError as err:
            raise NameTaken from err

    def delete(self, user_id: UserId, category_id: str) -> None:
        """Remove one; what was in it is as the bank says again. Raises NotFound."""
        with unit_of_work() as unit:
            category = unit.lock(OwnCategory, category_id)
            if category is None or category.user_id != user_id:
                raise NotFound
            for model in (TransactionChoice, TransactionRule):
                unit.session.execute(update(model).where(model.category == category_id).values(category=None))
            unit.session.delete(category)
            sums.refresh_category(unit, user_id, category_id)
