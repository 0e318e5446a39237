"""One step through Link: what a person did, what Link tells the page, and what it shows next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.clock import iso
from mingus.simulator.link import notices
from mingus.simulator.link.rendering import bank_view
from mingus.simulator.link.rendering import render
from mingus.simulator.link.tokens import mark_used

if TYPE_CHECKING:
    from mingus.simulator.errors import PlaidError
    from mingus.simulator.institutions import Institution
    from mingus.simulator.link.sessions import LinkSession
    from mingus.simulator.link.tokens import LinkToken
    from mingus.simulator.simulator import Simulator

Doc = dict[str, Any]

METADATA = (
    "error_type",
    "error_code",
    "error_message",
    "exit_status",
    "institution_id",
    "institution_name",
    "institution_search_query",
    "mfa_type",
    "view_name",
    "request_id",
    "link_session_id",
    "timestamp",
    "selection",
    "is_update_mode",
    "match_reason",
    "routing_number",
    "account_number_mask",
    "brand_name",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    """What Link tells of a pane: its name in TRANSITION_VIEW, and the status of leaving it."""

    view: str | None = None
    status: str | None = None
    mfa_type: str | None = None
    confirm: bool = True


PANES = {
    "consent": Pane(view="CONSENT", confirm=False),
    "phone": Pane(view="SUBMIT_PHONE", confirm=False),
    "code": Pane(view="VERIFY_PHONE", confirm=False),
    "search": Pane(view="SELECT_INSTITUTION", confirm=False),
    "notice": Pane(view="ERROR"),
    "credentials": Pane(view="CREDENTIAL", status="requires_credentials"),
    "device_list": Pane(view="MFA", status="choose_device", mfa_type="device"),
    "device": Pane(view="MFA", status="requires_code", mfa_type="code"),
    "questions": Pane(view="MFA", status="requires_questions", mfa_type="questions"),
    "selections": Pane(view="MFA", status="requires_selections", mfa_type="selections"),
    "oauth": Pane(view="OAUTH", status="requires_oauth"),
    "waiting": Pane(status="requires_oauth"),
    "accounts": Pane(view="SELECT_ACCOUNT", status="requires_account_selection"),
    "error": Pane(view="ERROR", confirm=False),
    "connected": Pane(view="CONNECTED", confirm=False),
}


class Answers:
    """What the person entered; every field is a list of texts."""

    def __init__(self, values: object) -> None:
        given = values if isinstance(values, dict) else {}
        self._values = {name: _texts(value) for name, value in given.items()}

    def one(self, name: str) -> str:
        """The first value of the field, or "" """
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """Every value of the field."""
        return self._values.get(name, [])


class Flow:
    """Collects the answer to one step; the session is changed on the way and saved by the caller."""

    def __init__(self, sim: Simulator, token: LinkToken, session: LinkSession) -> None:
        self.sim = sim
        self.token = token
        self.session = session
        self.request_id = sim.ids.request_id()
        self._events: list[Doc] = []
        self._pane: Doc | None = None
        self._region: Doc | None = None
        self._outcome: Doc | None = None

    @property
    def update_mode(self) -> bool:
        """Whether an Item is being repaired rather than made."""
        return self.token.access_token is not None

    @property
    def institution(self) -> Institution:
        """The bank that was chosen; only asked for once there is one."""
        return self.sim.institutions.get(self.session.institution_id or "")

    @property
    def changed(self) -> bool:
        """Whether anything came of the step; asking whether the bank is done mostly changes nothing."""
        return bool(self._events or self._pane or self._region or self._outcome)

    def answer(self) -> Doc:
        """The step for the frame to carry out."""
        return {
            "session": self.session.link_session_id,
            "events": self._events,
            "pane": self._pane,
            "region": self._region,
            "outcome": self._outcome,
            "waiting": self.session.pane == "waiting" and self._outcome is None,
        }

    def event(self, name: str, **metadata: str | None) -> Doc:
        """Tell the page, and remember it for /link/token/get; gives the metadata."""
        told = self._metadata(metadata)
        self._events.append({"name": name, "metadata": told})
        self._remember(name, told)
        return told

    def show(self, name: str, *, back: bool = False, **context: Any) -> None:
        """Show a pane and say so; a pane that knows its status of leaving sets it."""
        pane = PANES[name]
        self.session.pane = name
        self.session.exit_status = pane.status or (self.session.exit_status if name == "error" else None)
        bank = bank_view(self.institution) if self.session.institution_id else None
        html = render(f"panes/{name}.html", client=self.token.client_name, bank=bank, **context)
        self._pane = {"name": name, "html": html, "back": back, "confirm": pane.confirm}
        if pane.view:
            self.event("TRANSITION_VIEW", view_name=pane.view, mfa_type=pane.mfa_type)

    def refresh(self, region: str, template: str, *, say: str, **context: Any) -> None:
        """Show a part of the present pane anew, and say aloud what changed."""
        html = render(template, client=self.token.client_name, **context)
        self._region = {"name": region, "html": html, "say": say}

    def failed(self, error: PlaidError) -> None:
        """Remember and tell an error; leaving now would end with it."""
        self.session.error = error.body() | {"request_id": self.request_id}
        self.event("ERROR", **self._error_metadata())

    def leave_for(self, url: str) -> None:
        """Send the whole page elsewhere; Link goes on when it comes back."""
        self._outcome = {"kind": "leave", "url": url}

    def exit(self) -> None:
        """The person leaves: EXIT, then onExit with the error that stood in the way, if one did."""
        session = self.session
        told = self._closing_metadata("EXIT", exit_status=session.exit_status, **self._error_metadata())
        metadata = {
            "institution": self.institution_doc(),
            "status": session.exit_status,
            "link_session_id": session.link_session_id,
            "request_id": self.request_id,
        }
        error = _callback_error(session.error)
        session.exit = {"error": session.error, "metadata": _without_null(metadata)}
        session.finished_at = self.sim.clock.now()
        self._outcome = {"kind": "exit", "error": error, "metadata": metadata, "event": told}
        notices.session_finished(self.sim, self.token, session)

    def hand_off(self, public_token: str, accounts: list[Doc]) -> None:
        """The person is done: HANDOFF, then onSuccess."""
        session = self.session
        told = self._closing_metadata("HANDOFF")
        metadata = {
            "institution": self.institution_doc(),
            "accounts": accounts,
            "account": accounts[0] if len(accounts) == 1 else None,
            "account_id": accounts[0]["id"] if len(accounts) == 1 else None,
            "link_session_id": session.link_session_id,
            "public_token": public_token,
            "transfer_status": None,
        }
        session.success = {"public_token": public_token, "metadata": _success_doc(metadata)}
        session.finished_at = self.sim.clock.now()
        self.token = mark_used(self.sim, self.token)
        self._outcome = {"kind": "success", "public_token": public_token, "metadata": metadata, "event": told}
        notices.session_finished(self.sim, self.token, session)

    def institution_doc(self) -> Doc | None:
        """The chosen bank as callbacks carry it."""
        if self.session.institution_id is None:
            return None
        return {"name": self.institution.name, "institution_id": self.session.institution_id}

    def _closing_metadata(self, name: str, **metadata: str | None) -> Doc:
        """EXIT and HANDOFF are told by the script together with the callback, so that nothing comes between."""
        told = self._metadata(metadata)
        self._remember(name, told)
        return {"name": name, "metadata": told}

    def _metadata(self, given: dict[str, str | None]) -> Doc:
        session = self.session
        bank = self.institution_doc() or {}
        always = {
            "institution_id": bank.get("institution_id"),
            "institution_name": bank.get("name"),
            "request_id": self.request_id,
            "link_session_id": session.link_session_id,
            "timestamp": iso(self.sim.clock.now()),
            "is_update_mode": "true" if self.update_mode else "false",
        }
        return dict.fromkeys(METADATA) | always | given

    def _remember(self, name: str, told: Doc) -> None:
        self.session.events.append(
            {
                "event_name": name,
                "timestamp": told["timestamp"],
                "event_id": self.sim.ids.uuid(),
                "event_metadata": _without_null(told),
            }
        )

    def _error_metadata(self) -> dict[str, str | None]:
        error = self.session.error or {}
        return {key: error[key] for key in ("error_type", "error_code", "error_message") if key in error}


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _without_null(doc: Doc) -> Doc:
    return {key: value for key, value in doc.items() if value is not None}


def _success_doc(metadata: Doc) -> Doc:
    kept = ("institution", "accounts", "link_session_id", "transfer_status")
    return {key: metadata[key] for key in kept}


def _callback_error(error: Doc | None) -> Doc | None:
    if error is None:
        return None
    return {key: error[key] for key in ("error_type", "error_code", "error_message", "display_message")}
