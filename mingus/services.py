"""Services: everything that does something, wired once; web, worker and tests use the same wiring."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import cast

from flask import current_app

from mingus.admin.days import DayFigures
from mingus.audit import AuditTrail
from mingus.auth.passwords import Passwords
from mingus.auth.wiring import people_parts
from mingus.backups.service import Backups
from mingus.browserreports import BrowserReports
from mingus.chores import Chore
from mingus.chores import Chores
from mingus.config import UpdateMode
from mingus.imports.service import Imports
from mingus.jobs import JobKind
from mingus.leaving.service import Leaving
from mingus.limits import Limiter
from mingus.mail import MailRoom
from mingus.mail import OutboxPost
from mingus.mail import SmtpPost
from mingus.manual.service import ManualAccounts
from mingus.notices.board import NoticeBoard
from mingus.notices.service import Notices
from mingus.plaid.wiring import plaid_parts
from mingus.retention import Retention
from mingus.transactions import merchantsums
from mingus.transactions import wording
from mingus.transactions.arrivals import Arrivals
from mingus.transactions.edits import Edits
from mingus.transactions.inheriting import Inheriting
from mingus.transactions.own_categories import OwnCategories
from mingus.transactions.rules import Rules
from mingus.transactions.transfers import Transfers
from mingus.webhooks.handling import Handling
from mingus.webhooks.inbox import Inbox
from mingus.webhooks.keys import WebhookKeys
from mingus.webhooks.senders import Senders

if TYPE_CHECKING:
    from collections.abc import Callable

    from mingus.ambient import Ambient
    from mingus.auth.apitokens import ApiTokens
    from mingus.auth.entrance import Entrance
    from mingus.auth.factors import Factors
    from mingus.auth.passkeys import Passkeys
    from mingus.auth.service import AuthService
    from mingus.auth.sessions import Devices
    from mingus.auth.sessions import SessionBook
    from mingus.auth.tickets import Tickets
    from mingus.config import Settings
    from mingus.jobs import Jobs
    from mingus.leaving.items import DepartedItems
    from mingus.plaid.connections import Connections
    from mingus.plaid.gateway import PlaidGateway
    from mingus.plaid.institutions import Institutions
    from mingus.plaid.leases import Leases
    from mingus.plaid.linking import Linking
    from mingus.plaid.outgoing import OutgoingLimits
    from mingus.plaid.refreshing import Refresher
    from mingus.plaid.resting import Resting
    from mingus.plaid.schedules import Schedules
    from mingus.plaid.service import PlaidIntegrationService
    from mingus.plaid.snapshots import Snapshots
    from mingus.plaid.staging import Stager
    from mingus.plaid.sync import SyncEngine
    from mingus.vault import TokenVault

EXTENSION = "mingus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Finds rows whose nudge was lost: `find` gives their ids, each is enqueued anew as `kind` under `id_name`."""

    kind: JobKind
    id_name: str
    find: Callable[[], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The wired services of one process."""

    settings: Settings
    ambient: Ambient
    jobs: Jobs
    limiter: Limiter
    mail: MailRoom
    trail: AuditTrail
    sessions: SessionBook
    api_tokens: ApiTokens
    tickets: Tickets
    auth: AuthService
    factors: Factors
    passkeys: Passkeys
    devices: Devices
    entrance: Entrance
    departed_items: DepartedItems
    leaving: Leaving
    browser_reports: BrowserReports
    vault: TokenVault
    outgoing: OutgoingLimits
    gateway: PlaidGateway
    connections: Connections
    linking: Linking
    sync: SyncEngine
    leases: Leases
    refresher: Refresher
    stager: Stager
    institutions: Institutions
    schedules: Schedules
    snapshots: Snapshots
    resting: Resting
    plaid: PlaidIntegrationService
    edits: Edits
    rules: Rules
    transfers: Transfers
    arrivals: Arrivals
    own_categories: OwnCategories
    manual: ManualAccounts
    imports: Imports
    webhook_keys: WebhookKeys
    inbox: Inbox
    handling: Handling
    chores: Chores
    retention: Retention
    board: NoticeBoard
    notices: Notices
    backups: Backups
    day_figures: DayFigures

    def handlers(self) -> dict[JobKind, Callable[..., None]]:
        """What a worker runs for each kind of nudge; every handler is safe to repeat."""
        return {
            JobKind.MAIL: self.mail.deliver,
            JobKind.TICKET: self.tickets.answer,
            JobKind.LINK: self.linking.look_after,
            JobKind.CHECK: self.connections.look,
            JobKind.SYNC: self.sync.run,
            JobKind.ARRIVAL: self.arrivals.settle,
            JobKind.REFRESH: self.refresher.run,
            JobKind.SCHEDULE: self.schedules.run,
            JobKind.REMOVAL: self.connections.finish_removal,
            JobKind.INBOX: self.handling.handle_waiting,
            JobKind.WEBHOOK: self.handling.handle,
            JobKind.DIGEST: self.notices.send_digest,
            JobKind.DEPARTURE: self.leaving.finish,
            JobKind.DEPARTED_ITEM: self.departed_items.finish,
            JobKind.BACKUP: self.backups.run,
        }

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            Sweep(kind=JobKind.MAIL, id_name="mail_id", find=self.mail.overdue),
            Sweep(kind=JobKind.TICKET, id_name="ticket_id", find=self.tickets.unanswered),
            Sweep(kind=JobKind.LINK, id_name="link_id", find=self.linking.due),
            Sweep(kind=JobKind.SYNC, id_name="connection_id", find=self.leases.wanted),
            Sweep(kind=JobKind.ARRIVAL, id_name="sync_id", find=self.arrivals.waiting),
            Sweep(kind=JobKind.REFRESH, id_name="refresh_id", find=self._refreshes_due),
            Sweep(kind=JobKind.REMOVAL, id_name="connection_id", find=self.connections.removals_due),
            Sweep(kind=JobKind.WEBHOOK, id_name="event_id", find=self.handling.due),
            Sweep(kind=JobKind.DIGEST, id_name="user_id", find=self.notices.digests_due),
            Sweep(kind=JobKind.BACKUP, id_name="backup_id", find=self.backups.due),
            Sweep(kind=JobKind.DEPARTURE, id_name="departure_id", find=self.leaving.due),
            Sweep(kind=JobKind.DEPARTED_ITEM, id_name="item_id", find=self.departed_items.due),
            *self._checks(),
        )

    def _checks(self) -> tuple[Sweep, ...]:
        """In manual mode banks are only read when somebody asks."""
        if self.settings.update_mode is UpdateMode.MANUAL:
            return ()
        return (
            Sweep(kind=JobKind.CHECK, id_name="connection_id", find=self.connections.checks_due),
            Sweep(kind=JobKind.SCHEDULE, id_name="connection_id", find=self.schedules.due),
        )

    def _refreshes_due(self) -> list[str]:
        return self.refresher.due(scheduled_too=self.settings.update_mode is not UpdateMode.MANUAL)

    def do_chores(self) -> list[str]:
        """What a worker does now and then, once for the whole installation; the names of what was due."""
        hour, quarter, day = dt.timedelta(hours=1), dt.timedelta(minutes=15), dt.timedelta(days=1)
        chores = [
            Chore(name="sessions", every=hour, do=self.sessions.forget_expired),
            Chore(name="passkey challenges", every=hour, do=self.passkeys.forget_expired),
            Chore(name="letters", every=day, do=self.mail.forget_old),
            Chore(name="browser reports", every=day, do=self.browser_reports.forget_old),
            Chore(name="receipts", every=day, do=self.leaving.forget_old),
            Chore(name="api tokens", every=day, do=self.api_tokens.forget_old),
            Chore(name="tickets", every=hour, do=self.tickets.forget_expired),
            Chore(name="outgoing limits", every=day, do=self.outgoing.forget_idle),
            Chore(name="limits", every=hour, do=self.limiter.sweep),
            Chore(name="webhook keys", every=hour, do=self.webhook_keys.read_anew),
            Chore(name="parked syncs", every=dt.timedelta(minutes=1), do=self.schedules.park_stuck),
            Chore(name="unfinished updates", every=quarter, do=self.stager.discard_abandoned),
            Chore(name="midnight balances", every=quarter, do=self.snapshots.close_days),
            Chore(name="expiring consents", every=hour, do=self.notices.find_expiring),
            Chore(name="institutions", every=hour, do=self.institutions.refresh_old),
            Chore(name="drafts of imports", every=hour, do=self.imports.forget_drafts),
            Chore(name="figures of days", every=hour, do=self.day_figures.close_days),
            Chore(name="retention", every=day, do=self.retention.forget_old),
            Chore(name="rows without wording", every=dt.timedelta(minutes=1), do=wording.take_up_some),
            Chore(
                name="merchants of months",
                every=dt.timedelta(minutes=1),
                do=lambda: merchantsums.keep_some(self.settings.environment.value),
            ),
            Chore(
                name="merchants that mean otherwise",
                every=day,
                do=lambda: merchantsums.touch_all_that_mean_otherwise(self.settings.environment.value),
            ),
            Chore(name="wordings without rows", every=day, do=wording.forget_all_unused),
        ]
        if self.settings.backup_hours:
            every = dt.timedelta(hours=self.settings.backup_hours)
            chores.append(Chore(name="backup", every=every, do=self.backups.wish))
        return self.chores.do_due(chores)


def build(
    settings: Settings,
    *,
    ambient: Ambient,
    jobs: Jobs,
    render: Callable[..., str],
    passwords: Passwords | None = None,
) -> Services:
    """Wire the services; tests pass their own clock, queue and cheaper password hashing."""
    limiter = Limiter(settings.rate_limit_url, clock=ambient.now)
    post = SmtpPost(settings.smtp_url) if settings.smtp_url else OutboxPost(settings.outbox_dir)
    mail = MailRoom(ambient=ambient, jobs=jobs, post=post, sender=settings.mail_from, render=render)
    board = NoticeBoard(ambient=ambient, jobs=jobs)
    trail = AuditTrail(ambient)
    plaid = plaid_parts(settings, ambient=ambient, jobs=jobs, limiter=limiter, board=board, trail=trail)
    people = people_parts(
        settings,
        ambient=ambient,
        jobs=jobs,
        limiter=limiter,
        mail=mail,
        board=board,
        trail=trail,
        vault=plaid["vault"],
        passwords=passwords or Passwords(),
    )
    keys = WebhookKeys(ambient=ambient, gateway=plaid["gateway"], limiter=limiter)
    senders = Senders(ambient=ambient, keys=keys, limiter=limiter)
    inbox = Inbox(settings=settings, ambient=ambient, jobs=jobs, keys=keys, senders=senders)
    edits = Edits(ambient)
    rules = Rules(ambient=ambient, edits=edits, environment=settings.environment.value)
    transfers = Transfers(ambient)
    manual = ManualAccounts(ambient=ambient, environment=settings.environment.value)
    return Services(
        settings=settings,
        ambient=ambient,
        jobs=jobs,
        limiter=limiter,
        mail=mail,
        trail=trail,
        **people,
        browser_reports=BrowserReports(ambient=ambient, limiter=limiter),
        leaving=Leaving(
            ambient=ambient,
            jobs=jobs,
            vault=plaid["vault"],
            mail=mail,
            trail=trail,
            items=plaid["departed_items"],
        ),
        edits=edits,
        rules=rules,
        transfers=transfers,
        arrivals=Arrivals(
            inheriting=Inheriting(ambient=ambient, edits=edits), rules=rules, transfers=transfers
        ),
        own_categories=OwnCategories(ambient),
        manual=manual,
        imports=Imports(ambient=ambient, jobs=jobs, manual=manual),
        webhook_keys=keys,
        inbox=inbox,
        chores=Chores(ambient),
        board=board,
        notices=Notices(ambient=ambient, mail=mail, board=board, base_url=settings.base_url),
        retention=Retention(settings=settings, ambient=ambient, inbox=inbox),
        backups=Backups(settings=settings, ambient=ambient, jobs=jobs),
        day_figures=DayFigures(ambient=ambient, environment=settings.environment.value),
        handling=Handling(
            settings=settings,
            ambient=ambient,
            jobs=jobs,
            connections=plaid["connections"],
            leases=plaid["leases"],
            refresher=plaid["refresher"],
        ),
        **plaid,
    )


def services() -> Services:
    """The services of the running app."""
    return cast("Services", current_app.extensions[EXTENSION])
