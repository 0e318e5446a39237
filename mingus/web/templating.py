"""What every template can use."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from babel.dates import get_timezone_location
from flask import current_app
from flask import g
from flask import request
from flask import url_for
from flask_babel import format_datetime
from flask_babel import format_timedelta
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from jinja2 import StrictUndefined
from markupsafe import Markup

from mingus.config import PlaidEnvironment
from mingus.services import services
from mingus.web import rendering
from mingus.web import texts
from mingus.web.amounts import format_money
from mingus.web.amounts import money_markup
from mingus.web.icons import hue_sign
from mingus.web.icons import icon

if TYPE_CHECKING:
    from flask import Flask

    from mingus.config import Settings
    from mingus.plaid.pulse import Pulse
    from mingus.web.static import StaticFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """One entry of the main navigation."""

    label: str
    icon: str
    url: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSignIn:
    email: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What pages and mails say about this installation."""

    name: str
    environment: str
    outbox_url: str | None  # the folder where mails lie, in local use
    registration: str
    demo: DemoSignIn | None

    @property
    def environment_note(self) -> str | None:
        """The banner's sentence; None where no banner is due."""
        notes = {
            PlaidEnvironment.SIMULATOR: _(
                "Banks are simulated here. No real bank is asked, no real money is shown."
            ),
            PlaidEnvironment.SANDBOX: _("Plaid's sandbox: test banks with invented money."),
            PlaidEnvironment.DEVELOPMENT: _(
                "A team's trial with its own accounts: real banks, few connections."
            ),
        }
        return notes.get(PlaidEnvironment(self.environment))


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Which parts exist, so that pages link only to what is there."""

    connect: bool


NAVIGATION = (
    ("web.home", "Overview", "layout-dashboard"),
    ("plaid.accounts", "Accounts", "landmark"),
    ("transactions.index", "Transactions", "arrow-left-right"),
    ("reports.index", "Reports", "chart-pie"),
    ("settings.profile", "Settings", "settings"),
)
MOMENT = dt.timedelta(seconds=10)
FOR_ADMINS = (("admin.index", "Admin", "shield"),)


def relative(instant: dt.datetime) -> str:
    """How long ago, in words."""
    passed = instant - services().ambient.now()
    return _("just now") if abs(passed) < MOMENT else str(format_timedelta(passed, add_direction=True))


def live(url: str, pulse: Pulse, seconds: int | None = None) -> Markup:
    """What makes an element a region that keeps itself fresh (static/js/live.js), as of this pulse."""
    by_clock = Markup("") if seconds is None else Markup(' data-live-seconds="{}"').format(seconds)
    region = Markup('data-module="live" data-live-url="{}" data-live-mark="{}" data-live-at="{}"')
    return region.format(url, pulse.mark, pulse.at.isoformat() if pulse.at else "") + by_clock


def csrf_field() -> Markup:
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def navigation() -> list[NavItem]:
    """The entries whose pages exist."""
    endpoint = request.endpoint or ""
    entries = NAVIGATION + FOR_ADMINS if current_user.is_admin else NAVIGATION
    return [
        NavItem(
            label=_(label),
            icon=symbol,
            url=url_for(name),
            active=endpoint == name
            or (name != "web.home" and endpoint.partition(".")[0] == name.partition(".")[0]),
        )
        for name, label, symbol in entries
        if name in current_app.view_functions
    ]


def register(app: Flask, settings: Settings, files: StaticFiles, demo: DemoSignIn | None) -> None:
    """Make the environment strict and give it its words."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    site = Site(
        name="MINGUS",
        environment=settings.environment.value,
        outbox_url=str(settings.outbox_dir) if settings.mails_stay_here else None,
        registration=settings.registration.value,
        demo=demo if settings.demo else None,
    )
    app.jinja_env.globals.update(
        site=site,
        icon=icon,
        hue_sign=hue_sign,
        money=money_markup,
        kept=rendering.kept,
        ngettext=rendering.ngettext,
        _=rendering.gettext,
        static_url=files.url,
        csrf_field=csrf_field,
        live=live,
        pressing_notices=lambda: services().notices.pressing(current_user.id),
        link_script_url=settings.link_script_url,
    )
    app.jinja_env.filters.update(
        money=format_money,
        relative=relative,
        zone_name=lambda zone: get_timezone_location(zone, locale=get_locale()),
        number=texts.write_number,
        date=texts.write_day,
        datetime=lambda value, style="medium": format_datetime(value, style),
    )

    @app.context_processor
    def _context() -> dict[str, Any]:
        return {
            "request_id": g.get("request_id", ""),
            "lang": texts.language_of(get_locale()),
            "nav": navigation() if current_user.is_authenticated else [],
            "unread": services().notices.unread(current_user.id) if current_user.is_authenticated else 0,
            "features": Features(connect="plaid.connect" in current_app.view_functions),
        }
