"""The pages of transactions: the list and one of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint
from flask import Response
from flask import render_template
from flask import request
from flask import stream_with_context

from mingus.audit import AuditAction
from mingus.exports.cut import while_there
from mingus.exports.formats import EXPORT_LIMIT
from mingus.exports.formats import FORMATS
from mingus.exports.source import Source
from mingus.plaid import queries
from mingus.plaid import synclogs
from mingus.plaid.ledger import TransactionId
from mingus.plaid.pulse import pulse_of
from mingus.plaid.states import ENDED
from mingus.plaid.states import ConnectionState
from mingus.services import services
from mingus.transactions import catalogues
from mingus.transactions import history
from mingus.transactions import shown
from mingus.transactions.asked import Asked
from mingus.transactions.asked import Chip
from mingus.transactions.asked import range_words
from mingus.transactions.forms import EntryForm
from mingus.transactions.listing import LARGEST_PAGE
from mingus.transactions.listing import Listing
from mingus.transactions.listing import Sort
from mingus.transactions.listing import tags_of
from mingus.web.access import owned_or_404
from mingus.web.access import visitor

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue
    from werkzeug.datastructures import MultiDict

    from mingus.plaid.queries import AccountRow
    from mingus.transactions.categories import Catalogue
    from mingus.transactions.listing import Page
    from mingus.transactions.listing import Total

bp = Blueprint("transactions", __name__)
PAGE = 50
IMPORTING = {ConnectionState.LINKING, ConnectionState.IMPORTING}
MOST_HINTS = 8
MOST_HINTED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """A filter whose removal would show something."""

    chip: Chip
    count: int
    more: bool  # counting ended there


def environment() -> str:
    return services().settings.environment.value


def today() -> dt.date:
    return services().ambient.today(visitor().time_zone)


class Desk:
    """What every page about transactions needs: the person's categories and accounts, each read once."""

    def __init__(self) -> None:
        self.catalogue: Catalogue = catalogues.of(visitor().id)
        rows = queries.accounts_of(visitor().id, environment=environment(), hidden_too=True)
        self.accounts: list[AccountRow] = rows
        self.by_id = {account.id: account for account in rows}

    def asked(self, args: MultiDict[str, str]) -> Asked:
        return Asked(args, catalogue=self.catalogue, accounts=self.accounts, today=today())

    def listing(self, asked: Asked) -> Listing:
        return Listing(visitor().id, asked.filters, self.catalogue, environment=environment())


@bp.get("/transactions")
def index() -> ResponseReturnValue:
    """The list as its address asks; a script that only wants a part of it gets only that."""
    pulse = pulse_of(visitor().id, environment=environment(), now=services().ambient.now())
    desk = Desk()
    asked = desk.asked(request.args)
    listing = desk.listing(asked)
    part = request.headers.get("X-Fragment")
    if part == "totals":
        return render_template("transactions/_totals.html", pulse=pulse, asked=asked, totals=listing.totals())
    page = listing.page(limit=_rows_wanted(), sort=asked.sort, after=asked.after, before=asked.before)
    days = _days(listing, asked, page, desk)
    if part == "more":
        return render_template("transactions/_more.html", asked=asked, page=page, days=days)
    words = {
        "pulse": pulse,
        "asked": asked,
        "chips": asked.chips(),
        "page": page,
        "days": days,
        "totals": _totals(listing) if page.entries else (),
        "ways_out": _ways_out(desk, asked) if not page.entries else [],
    }
    if part == "results":
        return render_template("transactions/_results.html", **words, **_standing(desk))
    return render_template(
        "transactions/index.html",
        **words,
        **_standing(desk),
        tree=desk.catalogue.tree(),
        accounts=desk.accounts,
        tags=tags_of(visitor().id),
        ranges=range_words(),
    )


def _rows_wanted() -> int:
    """A page, or as many as a script already shows."""
    wanted = request.args.get("rows", "")
    return min(max(int(wanted), PAGE), LARGEST_PAGE) if wanted.isdecimal() and len(wanted) < 5 else PAGE


def _totals(listing: Listing) -> tuple[Total, ...] | None:
    """What the list comes to; None when that takes too long to keep the page waiting, unless it is asked for."""
    return None if "totals" not in request.args and listing.is_long() else listing.totals()


def _days(listing: Listing, asked: Asked, page: Page, desk: Desk) -> list[shown.Day]:
    if asked.sort in {Sort.LARGEST, Sort.SMALLEST}:
        return shown.by_amount(page.entries, desk.by_id)
    dates = sorted({entry.date for entry in page.entries})
    return shown.days(page.entries, listing.day_totals(dates), desk.by_id, today())


def _ways_out(desk: Desk, asked: Asked) -> list[WayOut]:
    """Nothing matches: which single filter stands in the way, and what is behind it."""
    found = []
    for chip in asked.chips()[:MOST_HINTS]:
        filters = asked.filters_without(chip)
        count = Listing(visitor().id, filters, desk.catalogue, environment=environment()).count(
            at_most=MOST_HINTED
        )
        if count:
            found.append(WayOut(chip=chip, count=min(count, MOST_HINTED), more=count >= MOST_HINTED))
    return found


def _standing(desk: Desk) -> dict[str, object]:
    """Is there a bank, and does its first import still run; how far is it?"""
    now = services().ambient.now()
    cards = queries.connection_cards(visitor().id, environment=environment(), now=now, accounts=desk.accounts)
    importing = [card for card in cards if card.state in IMPORTING]
    logs = synclogs.sync_logs(visitor().id, limit=20) if importing else []
    ids = {card.id for card in importing}
    fetched: dict[str, int] = {}
    for log in reversed(logs):
        if log.connection_id in ids:
            fetched[log.connection_id] = max(fetched.get(log.connection_id, 0), log.fetched)
    return {
        "cards": [card for card in cards if card.state not in ENDED or card.accounts],
        "importing": importing,
        "fetched": sum(fetched.values()),
    }


@bp.get("/transactions/export.<kind>")
def download(kind: str) -> ResponseReturnValue:
    """What the list's filters leave, as a file, sent while it is read."""
    made = owned_or_404(FORMATS.get(kind))
    services().limiter.spend("export", visitor().id, EXPORT_LIMIT)
    desk = Desk()
    asked = desk.asked(request.args)
    services().trail.note(AuditAction.EXPORTED, actor=visitor().id, subject=visitor().id, what=kind)
    source = Source(
        user_id=visitor().id,
        environment=environment(),
        filters=asked.filters,
        sort=asked.sort,
        today=today(),
        accounts=desk.by_id,
        catalogue=desk.catalogue,
    )
    name = f"transactions-{today().isoformat()}.{kind}"
    return Response(
        stream_with_context(while_there(visitor().id, made.write(source))),
        mimetype=made.mimetype,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@bp.get("/transactions/<transaction_id>")
def entry(transaction_id: str) -> ResponseReturnValue:
    """One transaction: a page of its own, and what the list's drawer shows."""
    page, _ = entry_page(transaction_id)
    return page()


def entry_page(transaction_id: str, *, bound: bool = False) -> tuple[Callable[[], str], EntryForm]:
    """How to draw the transaction's page, and its form: as it stands, or bound to what was posted."""
    desk = Desk()
    found = owned_or_404(
        history.whole(
            visitor().id,
            TransactionId(transaction_id),
            catalogue=desk.catalogue,
            environment=environment(),
        )
    )
    one = found.entry
    form = EntryForm(
        None if not bound else request.form,
        category=found.own_category or "",
        name=one.own_name,
        tags=", ".join(one.tags),
        notes=one.notes,
        hidden=one.hidden,
    )
    form.offer(desk.catalogue, found.banks_category, found.own_category)
    part = request.headers.get("X-Fragment") == "transaction"
    template = "transactions/_entry.html" if part else "transactions/entry.html"
    account = desk.by_id.get(one.account_id)
    return partial(render_template, template, whole=found, entry=one, account=account, form=form), form
