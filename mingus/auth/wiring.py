"""Wires what is about people and how they come in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import TypedDict

from mingus.auth.apitokens import ApiTokens
from mingus.auth.entrance import Entrance
from mingus.auth.factors import Factors
from mingus.auth.passkeys import Passkeys
from mingus.auth.service import AuthService
from mingus.auth.sessions import Devices
from mingus.auth.sessions import SessionBook
from mingus.auth.tickets import Tickets

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.audit import AuditTrail
    from mingus.auth.passwords import Passwords
    from mingus.config import Settings
    from mingus.jobs import Jobs
    from mingus.limits import Limiter
    from mingus.mail import MailRoom
    from mingus.notices.board import NoticeBoard
    from mingus.vault import TokenVault


class PeopleParts(TypedDict):
    """What `people_parts` wires."""

    sessions: SessionBook
    api_tokens: ApiTokens
    tickets: Tickets
    auth: AuthService
    factors: Factors
    passkeys: Passkeys
    devices: Devices
    entrance: Entrance


def people_parts(
    settings: Settings,
    *,
    ambient: Ambient,
    jobs: Jobs,
    limiter: Limiter,
    mail: MailRoom,
    board: NoticeBoard,
    trail: AuditTrail,
    vault: TokenVault,
    passwords: Passwords,
) -> PeopleParts:
    """From sessions up to the ways in."""
    devices = Devices(ambient=ambient, keys=settings.session_keys)
    sessions = SessionBook(ambient, board, devices)
    api_tokens = ApiTokens(ambient=ambient, limiter=limiter, trail=trail)
    tickets = Tickets(ambient=ambient, jobs=jobs, mail=mail, base_url=settings.base_url)
    factors = Factors(
        ambient=ambient, vault=vault, limiter=limiter, trail=trail, sessions=sessions, mail=mail
    )
    passkeys = Passkeys(ambient=ambient, factors=factors, base_url=settings.base_url)
    auth = AuthService(
        ambient=ambient,
        passwords=passwords,
        sessions=sessions,
        api_tokens=api_tokens,
        tickets=tickets,
        mail=mail,
        limiter=limiter,
        trail=trail,
        registration=settings.registration,
    )
    entrance = Entrance(
        passwords=passwords,
        sessions=sessions,
        auth=auth,
        factors=factors,
        passkeys=passkeys,
        devices=devices,
        limiter=limiter,
        trail=trail,
    )
    return {
        "sessions": sessions,
        "api_tokens": api_tokens,
        "tickets": tickets,
        "auth": auth,
        "factors": factors,
        "passkeys": passkeys,
        "devices": devices,
        "entrance": entrance,
    }
