"""What an export is made from: one person's transactions under filters, in one run or account by account."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING

from mingus.plaid import queries
from mingus.transactions import catalogues
from mingus.transactions.filters import Filters
from mingus.transactions.listing import Listing
from mingus.transactions.listing import Sort

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from collections.abc import Mapping

    from mingus.auth.models import UserId
    from mingus.money import Currency
    from mingus.plaid.models import AccountId
    from mingus.plaid.queries import AccountRow
    from mingus.transactions.categories import Catalogue
    from mingus.transactions.listing import Entry

EVERYTHING = Filters(hidden=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What was posted to one account in one currency, the oldest first; the rows can be read once."""

    account: AccountRow
    currency: Currency
    entries: Iterator[Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Everything that a writer needs; nothing is read before it asks."""

    user_id: UserId
    environment: str
    filters: Filters
    sort: Sort
    today: dt.date
    accounts: Mapping[AccountId, AccountRow]
    catalogue: Catalogue

    @property
    def is_whole(self) -> bool:
        """True when no row is left out, so that balances follow from the rows."""
        return self.filters == EVERYTHING

    def entries(self) -> Iterator[Entry]:
        """All rows, those that are pending too."""
        return self._listing(self.filters).everything(sort=self.sort)

    def statements(self) -> Iterator[Statement]:
        """Account by account; of a narrowed source only those that have rows. What is pending is not settled yet."""
        wanted = self.filters.accounts or tuple(self.accounts)
        for account in (self.accounts[account_id] for account_id in wanted if account_id in self.accounts):
            settled = replace(self.filters, accounts=(account.id,), pending=False)
            found = self._listing(settled).currencies() if self.filters.pending is not True else []
            own = account.current.currency if account.current else None
            if self.is_whole and own is not None and own not in found:
                found = [own, *found]
            for currency in found:
                rows = self._listing(replace(settled, currency=currency)).everything(sort=Sort.OLDEST)
                yield Statement(account=account, currency=currency, entries=rows)

    def _listing(self, filters: Filters) -> Listing:
        return Listing(self.user_id, filters, self.catalogue, environment=self.environment)


def everything(user_id: UserId, *, environment: str, today: dt.date) -> Source:
    """All living transactions of a person, the hidden ones too."""
    accounts = queries.accounts_of(user_id, environment=environment, hidden_too=True)
    return Source(
        user_id=user_id,
        environment=environment,
        filters=EVERYTHING,
        sort=Sort.NEWEST,
        today=today,
        accounts={account.id: account for account in accounts},
        catalogue=catalogues.of(user_id),
    )
