"""The pages that link banks: connect, the way back from a bank, and the accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint
from flask import flash
from flask import g
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from flask_babel import gettext as _

from mingus.auth.forms import entered
from mingus.plaid import queries
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.forms import AccountForm
from mingus.plaid.forms import DisconnectForm
from mingus.plaid.models import AccountId
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import LinkId
from mingus.plaid.progress import progress_of
from mingus.plaid.pulse import pulse_of
from mingus.plaid.states import ConnectionState
from mingus.reports import accountpage
from mingus.reports import asked as reading
from mingus.services import services
from mingus.web.access import owned_or_404
from mingus.web.access import visitor
from mingus.web.headers import LINK_MARK

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from mingus.plaid.queries import ConnectionCard

bp = Blueprint("plaid", __name__)


def environment() -> str:
    return services().settings.environment.value


def card_or_404(connection_id: str) -> ConnectionCard:
    return owned_or_404(
        queries.connection_card(
            visitor().id, ConnectionId(connection_id), environment=environment(), now=services().ambient.now()
        )
    )


@bp.get("/connect")
def connect() -> ResponseReturnValue:
    """Link for a new bank; with ?connection= it repairs that one, with &accounts=1 its accounts are chosen anew."""
    setattr(g, LINK_MARK, True)
    connection_id = request.args.get("connection")
    card = card_or_404(connection_id) if connection_id else None
    choosing = card is not None and request.args.get("accounts") == "1"
    return render_template("plaid/connect.html", card=card, link={**_link_words(card), "accounts": choosing})


@bp.get("/plaid/callback")
@bp.get("/oauth-callback", endpoint="oauth_callback")
def callback() -> ResponseReturnValue:
    """The way back from a bank: Link goes on with the session that the server kept, on any device."""
    setattr(g, LINK_MARK, True)
    resumed = services().plaid.resume_link(visitor().id) if request.args.get("oauth_state_id") else None
    if resumed is None:
        return render_template("plaid/callback_over.html"), 400
    card = card_or_404(resumed.connection_id) if resumed.connection_id else None
    words = {**_link_words(card), "resume": {"link_token": resumed.link_token, "link_id": resumed.link_id}}
    return render_template("plaid/callback.html", card=card, link=words)


@bp.get("/accounts")
def accounts() -> ResponseReturnValue:
    now = services().ambient.now()
    pulse = pulse_of(visitor().id, environment=environment(), now=now)
    cards = queries.connection_cards(visitor().id, environment=environment(), now=now)
    importing = [card.id for card in cards if card.state is ConnectionState.IMPORTING]
    return render_template(
        "plaid/accounts.html",
        pulse=pulse,
        cards=cards,
        progress=progress_of(visitor().id, importing) if importing else {},
        manual=[
            row
            for row in queries.accounts_of(visitor().id, environment=environment(), hidden_too=True)
            if row.manual
        ],
        waiting=queries.waiting_links(visitor().id, environment=environment()),
        asleep=queries.asleep_count(visitor().id, environment=environment()),
    )


@bp.post("/connections/<connection_id>/sync")
def sync(connection_id: str) -> ResponseReturnValue:
    """Read the bank now instead of at the next round."""
    services().plaid.request_syncs(visitor().id, ConnectionId(connection_id))
    flash(_("We are reading your bank. What is new appears here in a moment."), "info")
    return redirect(url_for("plaid.accounts"), code=303)


@bp.route("/connections/<connection_id>/disconnect", methods=["GET", "POST"])
def disconnect(connection_id: str) -> ResponseReturnValue:
    card = card_or_404(connection_id)
    form = DisconnectForm()
    if not form.validate_on_submit():
        return render_template("plaid/disconnect.html", card=card, form=form), 422 if form.errors else 200
    keep = form.history.data == "keep"
    services().plaid.disconnect(visitor().id, card.id, keep_history=keep)
    flash(_("%(bank)s is disconnected.", bank=card.institution_name), "success")
    return redirect(url_for("plaid.accounts"), code=303)


@bp.get("/accounts/<account_id>")
def account(account_id: str) -> ResponseReturnValue:
    """One account: its balance over time, its newest transactions, its terms or what it holds."""
    row = owned_or_404(queries.account(visitor().id, AccountId(account_id), environment=environment()))
    periods = reading.period_words()
    period = request.args.get("period", reading.DEFAULT)
    period = period if period in periods else reading.DEFAULT
    today = services().ambient.today(visitor().time_zone)
    page = accountpage.of(visitor().id, row, environment=environment(), period=period, today=today)
    card = None if row.manual else card_or_404(row.connection_id)
    return render_template(
        "plaid/account.html", account=row, card=card, page=page, period=period, periods=periods
    )


@bp.route("/accounts/<account_id>/edit", methods=["GET", "POST"])
def edit_account(account_id: str) -> ResponseReturnValue:
    row = owned_or_404(queries.account(visitor().id, AccountId(account_id), environment=environment()))
    form = AccountForm(name=row.name, hidden=row.hidden)
    if not form.validate_on_submit():
        return render_template("plaid/edit_account.html", account=row, form=form), 422 if form.errors else 200
    services().plaid.choose_account(visitor().id, row.id, name=entered(form.name), hidden=form.hidden.data)
    flash(_("Saved."), "success")
    return redirect(url_for("plaid.accounts"), code=303)


@bp.post("/links/<link_id>/keep-both")
def keep_both(link_id: str) -> ResponseReturnValue:
    """Finish a Link to a bank that seems to be connected already."""
    try:
        linked = services().plaid.finish_waiting(visitor().id, LinkId(link_id))
    except PlaidFailure as failure:
        flash(_(failure.public), "error")
    else:
        flash(_("%(bank)s is connected.", bank=linked.institution_name), "success")
    return redirect(url_for("plaid.accounts"), code=303)


@bp.post("/links/<link_id>/discard")
def discard(link_id: str) -> ResponseReturnValue:
    """Leave a finished Link unused: it was never exchanged, so nothing lives on at Plaid."""
    services().plaid.discard_waiting(visitor().id, LinkId(link_id))
    flash(_("Nothing was added."), "info")
    return redirect(url_for("plaid.accounts"), code=303)


def _link_words(card: ConnectionCard | None) -> dict[str, object]:
    """What the page's script needs; no secret among it."""
    return {
        "scriptUrl": services().settings.link_script_url,
        "connectionId": card.id if card is not None else None,
        "accounts": False,
        "resume": None,
        "confirmUrl": url_for("entry.confirm", next=request.full_path.rstrip("?")),
        "doneUrl": url_for("plaid.accounts"),
        "urls": {
            "linkToken": url_for("plaid_api.link_token"),
            "connect": url_for("plaid_api.connect"),
            "events": url_for("plaid_api.link_events"),
            "reauth": url_for("plaid_api.reauth", connection_id=card.id) if card is not None else None,
        },
    }
