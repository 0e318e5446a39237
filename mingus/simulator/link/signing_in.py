"""Credentials and second factors at banks without OAuth."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.errors import plaid_error
from mingus.simulator.link.sharing import current_login
from mingus.simulator.link.sharing import fail
from mingus.simulator.link.sharing import signed_in
from mingus.simulator.link.tokens import WRONG_LOGINS
from mingus.simulator.link.tokens import count_wrong_login

if TYPE_CHECKING:
    from mingus.simulator.link.flow import Answers
    from mingus.simulator.link.flow import Flow
    from mingus.simulator.logins import MfaRound

PATIENCE = timedelta(minutes=5)  # how long a bank waits for the answer to its question


def show_credentials(flow: Flow, *, username: str = "", error: str = "") -> None:
    """Ask for the login; in update mode and with a bank given by the token there is no way back to the search."""
    back = not flow.update_mode and not flow.token.request.get("institution_id")
    flow.show("credentials", back=back, username=username, error=error, update=flow.update_mode)


def submit_credentials(flow: Flow, answers: Answers) -> None:
    """Try the login at the bank."""
    session = flow.session
    session.username, session.password = answers.one("username").strip(), answers.one("password")
    flow.event("SUBMIT_CREDENTIALS")
    if not session.username or not session.password:
        show_credentials(flow, username=session.username, error="Enter both the username and the password.")
        return
    login = current_login(flow)
    if login.outcome == "error":
        _refused(flow, login.error_code or "INVALID_CREDENTIALS")
    elif login.mfa:
        _ask(flow, 0)
    else:
        signed_in(flow, login)


def submit_mfa(flow: Flow, answers: Answers) -> None:
    """Judge the answers to the question at hand."""
    session = flow.session
    rounds = current_login(flow).mfa
    asked = rounds[session.mfa_round]
    given = [answers.one(f"answer_{number}") for number in range(len(asked.prompts))]
    flow.event("SUBMIT_MFA", mfa_type="code" if asked.kind == "device" else asked.kind.removesuffix("_list"))
    if session.asked_at is None or flow.sim.clock.now() - session.asked_at > PATIENCE:
        fail(flow, plaid_error("USER_INPUT_TIMEOUT"))
    elif not asked.accepts(given):
        _wrong(flow, "INVALID_MFA", lambda message: _show_round(flow, asked, error=message))
    elif session.mfa_round + 1 < len(rounds):
        _ask(flow, session.mfa_round + 1)
    else:
        signed_in(flow, current_login(flow))


def retry_login(flow: Flow) -> None:
    """Begin the login anew, keeping the username."""
    show_credentials(flow, username=flow.session.username)


def _ask(flow: Flow, number: int) -> None:
    flow.session.mfa_round = number
    flow.session.asked_at = flow.sim.clock.now()
    flow.session.error = None
    _show_round(flow, current_login(flow).mfa[number])


def _show_round(flow: Flow, asked: MfaRound, *, error: str = "") -> None:
    choices = asked.choices or ((),) * len(asked.prompts)
    questions = [
        {"name": f"answer_{number}", "prompt": prompt, "choices": options}
        for number, (prompt, options) in enumerate(zip(asked.prompts, choices, strict=True))
    ]
    flow.show(asked.kind, back=True, questions=questions, error=error)


def _refused(flow: Flow, code: str) -> None:
    if code == "INVALID_CREDENTIALS":
        _wrong(
            flow, code, lambda message: show_credentials(flow, username=flow.session.username, error=message)
        )
    else:
        fail(flow, plaid_error(code))


def _wrong(flow: Flow, code: str, show_again: Any) -> None:
    """Let the person try again where they are, until the link token has seen too many of it."""
    flow.token = count_wrong_login(flow.sim, flow.token)
    if flow.token.wrong_logins >= WRONG_LOGINS:
        fail(
            flow, plaid_error("INVALID_LINK_TOKEN", "too many wrong logins with this link token"), fatal=True
        )
        return
    error = plaid_error(code)
    flow.failed(error)
    show_again(error.display_message)
