"""Back from a file: into an empty database of either engine, first at the backup's own migration, then at ours."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext

from mingus import schema
from mingus.backups import rows
from mingus.backups.envelope import BackupUnreadable
from mingus.backups.envelope import SealedReader
from mingus.backups.rows import NotEmpty
from mingus.db import engine_options
from mingus.db import prepare
from mingus.errors import MingusError
from mingus.vault import key_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.backups.rows import Tally


class FromTheFuture(MingusError):
    """This backup was made by a newer MINGUS. Restore it with that version or a later one."""

    code = "backup_from_the_future"


class TokenKeysMissing(MingusError):
    """The access tokens in this backup need keys that are not in PLAID_ACCESS_TOKEN_ENCRYPTION_KEY."""

    code = "token_keys_missing"


def restore(path: Path, engine: sa.Engine, keys: Sequence[bytes]) -> Tally:
    """Fill an empty database from a backup and bring it to this version; all rows or none.

    Raises before anything is written when the file, its keys or the database are not fit for it.
    """
    with path.open("rb") as file:
        reader = SealedReader(file)
        revision = str(reader.facts.get("revision"))
        if not schema.knows(revision):
            raise FromTheFuture
        lines = reader.lines(keys)
        first = next(lines, b"")  # a wrong key or a foreign file ends here
        missing = set(reader.facts.get("token_keys", ())) - {key_id(key) for key in keys}
        if missing:
            message = f"{TokenKeysMissing().public} Missing: {', '.join(sorted(missing))}."
            raise TokenKeysMissing(message)
        with engine.connect() as connection:
            if MigrationContext.configure(connection).get_current_revision() not in {None, revision}:
                raise NotEmpty
        schema.bring(engine, revision)
        with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection, connection.begin():
            tally = rows.load(connection, (line for part in ([first], lines) for line in part))
        schema.bring(engine)
    return tally


def drill(path: Path, keys: Sequence[bytes]) -> Tally:
    """Restore a backup into a database that is thrown away: the only proof that it can be done."""
    with tempfile.TemporaryDirectory(prefix="mingus-drill-") as folder:
        url = f"sqlite:///{Path(folder) / 'drill.sqlite3'}"
        engine = sa.create_engine(url, **engine_options(url))
        prepare(engine)
        try:
            tally = restore(path, engine, keys)
            with engine.connect() as connection:
                if connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
                    raise BackupUnreadable
        finally:
            engine.dispose()
    return tally
