"""Changes that a staged update has for rows that people see: kept in their order until its last transaction."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import TYPE_CHECKING

from mingus.plaid.plan import BANKS_FIELDS

if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Mapping

    from mingus.plaid.plan import Change
    from mingus.plaid.plan import KnownRow

PLAIDS_ID = BANKS_FIELDS.index("plaid_transaction_id")


@dataclass(slots=True, kw_only=True)
class Later:
    """What the rows will be once the changes are applied; later pages are planned against that."""

    changes: list[Change] = field(default_factory=list)
    rows: dict[str, KnownRow] = field(default_factory=dict)  # by our id
    by_plaid: dict[str, str] = field(default_factory=dict)  # our id by Plaid's

    def known(self, plaid_ids: Collection[str]) -> dict[str, KnownRow]:
        """Copies of the rows that have one of these ids: a page may be planned twice."""
        found = self.by_plaid.keys() & plaid_ids
        return {plaid_id: replace(self.rows[self.by_plaid[plaid_id]]) for plaid_id in found}

    def keep(
        self, changes: list[Change], rows: Mapping[str, KnownRow], ours: Collection[str]
    ) -> list[Change]:
        """Keep the changes of a planned page, except those of the update's own rows: these are given back."""
        now = []
        for change in changes:
            if change.id in ours:
                now.append(change)
                continue
            self.changes.append(change)
            if change.id in self.rows:
                self.by_plaid.pop(str(self.rows[change.id].facts[PLAIDS_ID]), None)
            row = self.rows[change.id] = rows[change.id]
            self.by_plaid[str(row.facts[PLAIDS_ID])] = row.id
        return now
