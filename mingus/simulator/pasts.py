"""Which computed history belongs to which item."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.custom import parse
from mingus.simulator.custom_history import ListedHistory
from mingus.simulator.history import Holder
from mingus.simulator.history import LivedHistory
from mingus.simulator.people import parties
from mingus.simulator.people import person
from mingus.simulator.places import Place
from mingus.simulator.places import TransactionIds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Sequence

    from mingus.simulator.accounts import Account
    from mingus.simulator.history import History
    from mingus.simulator.items import Item
    from mingus.simulator.progress import Progress
    from mingus.simulator.simulator import Simulator

Doc = dict[str, Any]

CUSTOM_DAYS = 730
JOINED_DAYS = 90
AHEAD_DAYS = 400
# What a custom account without a list of transactions lives on: party, sign, every how many days.
CUSTOM_HABITS = {
    "depository": (("payroll", -1, 14), ("fernhill_market", 1, 9), ("alder_power", 1, 30)),
    "credit": (("corner_bean", 1, 6), ("streamnest", 1, 30), ("bigbarrel", 1, 17)),
    "loan": (("student_payment", -1, 30),),
}


class Pasts:
    """Builds histories; cheap enough to build anew after a restart."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._built: dict[str, History] = {}

    def days_known(self, item: Item) -> int:
        """How many days back the bank can tell."""
        return CUSTOM_DAYS if item.custom else person(item.person).history_days

    def history(self, item: Item, progress: Progress, ids: TransactionIds) -> History:
        """The history of the accounts that were shared when the import began."""
        built = self._built.get(item.item_id)
        if built is None:
            shared = [row for row in item.accounts if row.plan.key in progress.accounts]
            built = self._built[item.item_id] = self._of(item, shared, progress, ids)
        return built

    def joined(self, item: Item, progress: Progress, accounts: Sequence[Account]) -> Iterator[Doc]:
        """The recent past of accounts that were shared later, as single transactions."""
        fresh = [row for row in accounts if row.plan.key not in progress.accounts]
        if not fresh:
            return
        ids = TransactionIds(f"{item.item_key}/joined/{','.join(row.plan.key for row in fresh)}")
        history = self._of(item, fresh, progress, ids)
        today = self._sim.clock.today().toordinal()
        for day in range(today - JOINED_DAYS, today + 1):
            for n in range(history.count(day)):
                yield history.posted(Place(day, n))

    def _of(
        self, item: Item, accounts: Sequence[Account], progress: Progress, ids: TransactionIds
    ) -> History:
        holders = {row.plan.key: _holder(row) for row in accounts}
        url = self._sim.public_url
        if item.custom and parse(item.custom).accounts:
            rows = [(_holder(row), doc) for row in accounts for doc in _custom_rows(row, progress)]
            return ListedHistory(rows=rows, ids=ids, public_url=url, today=progress.last_day)
        lived = person("good" if item.custom else item.person)
        opened = [row for row in accounts if row.plan.key not in {plan.key for plan in lived.accounts}]
        if opened:
            rows = [(_holder(row), doc) for row in opened for doc in _lived_rows(row, progress)]
            return ListedHistory(rows=rows, ids=ids, public_url=url, today=progress.last_day)
        return LivedHistory(
            person=lived,
            seed=item.bank_key,
            ids=ids,
            holders=holders,
            public_url=url,
            days=(progress.first_day, progress.last_day),
            shows_pending=self._sim.institutions.get(item.institution_id).shows_pending,
        )

    def forget(self, item_id: str) -> None:
        """Drop what was built for the item."""
        self._built.pop(item_id, None)


def _holder(account: Account) -> Holder:
    plan = account.plan
    return Holder(account_id=account.account_id, currency=plan.currency, unofficial=plan.unofficial)


def _custom_rows(account: Account, progress: Progress) -> Iterator[Doc]:
    """What the custom user's JSON lists for the account, or what is made up where it says nothing."""
    override = account.plan.override
    listed, inflow = override.get("transactions"), override.get("inflow_model")
    if isinstance(listed, list):
        yield from (row for row in listed if isinstance(row, dict))
    elif not isinstance(inflow, dict):
        yield from _lived_rows(account, progress)
    if isinstance(inflow, dict):
        yield from _inflow_rows(inflow, progress)


def _lived_rows(account: Account, progress: Progress) -> Iterator[Doc]:
    for key, sign, every in CUSTOM_HABITS.get(account.plan.type, ()):
        party = parties()[key]
        for day in range(progress.first_day, progress.last_day + AHEAD_DAYS):
            if (day + len(key)) % every == 0:
                share = (day * 7919 % 100) / 100
                amount = round(party.low + (party.high - party.low) * share, 2)
                yield _row(day, sign * amount, party.text)


def _inflow_rows(inflow: Doc, progress: Progress) -> Iterator[Doc]:
    amount = inflow.get("income_amount")
    if not isinstance(amount, int | float) or str(inflow.get("type", "")).lower() == "none":
        return
    pay_day = int(inflow.get("payment_day_of_month") or 1)
    for day in range(progress.first_day, progress.last_day + AHEAD_DAYS):
        if date.fromordinal(day).day == pay_day:
            yield _row(day, -amount, str(inflow.get("transaction_name") or "INCOME"))


def _row(day: int, amount: float, text: str) -> Doc:
    when = date.fromordinal(day).isoformat()
    return {"date_transacted": when, "date_posted": when, "amount": amount, "description": text}
