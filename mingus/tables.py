"""Every table of the application, for migrations and for tests that empty the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mingus import audit
from mingus import browserreports
from mingus import chores
from mingus import limits
from mingus import mail
from mingus import sealed
from mingus.admin import models as admin
from mingus.auth import factor_models
from mingus.auth import models as auth
from mingus.backups import models as backups
from mingus.db import Base
from mingus.imports import models as imports
from mingus.leaving import models as leaving
from mingus.notices import models as notices
from mingus.plaid import ledger
from mingus.plaid import models as plaid
from mingus.plaid import products
from mingus.transactions import models as transactions
from mingus.webhooks import models as webhooks

if TYPE_CHECKING:
    from sqlalchemy import MetaData

MODULES = (
    admin,
    audit,
    browserreports,
    auth,
    factor_models,
    mail,
    limits,
    chores,
    sealed,
    plaid,
    ledger,
    products,
    transactions,
    webhooks,
    notices,
    leaving,
    imports,
    backups,
)


def metadata() -> MetaData:
    """The tables of all areas: importing their modules is what registers them."""
    return Base.metadata
