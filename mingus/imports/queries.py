"""What pages read of imports; the owner comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus.db import db
from mingus.imports.models import ImportState
from mingus.imports.models import TransactionImport

if TYPE_CHECKING:
    from mingus.auth.models import UserId
    from mingus.plaid.models import AccountId

MOST_SHOWN = 50


def import_of(user_id: UserId, import_id: str) -> TransactionImport | None:
    found = db.session.get(TransactionImport, import_id)
    return found if found is not None and found.user_id == user_id else None


def imports_of(user_id: UserId, account_id: AccountId) -> list[TransactionImport]:
    """Those of an account, the newest first; their files' texts are not read."""
    return list(
        db.session.scalars(
            select(TransactionImport)
            .where(TransactionImport.user_id == user_id, TransactionImport.account_id == account_id)
            .order_by(TransactionImport.created_at.desc(), TransactionImport.id.desc())
            .limit(MOST_SHOWN)
        )
    )


def layout_before(user_id: UserId, fingerprint: str) -> dict[str, object] | None:
    """How the person read such a file the last time."""
    return db.session.scalar(
        select(TransactionImport.layout)
        .where(
            TransactionImport.user_id == user_id,
            TransactionImport.fingerprint == fingerprint,
            TransactionImport.state != ImportState.DRAFT.value,
        )
        .order_by(TransactionImport.created_at.desc())
        .limit(1)
    )
