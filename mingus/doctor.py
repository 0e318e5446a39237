"""`doctor`: looks at everything an installation needs and says what to do about what is wrong."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import smtplib
import socket
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import urllib3
from sqlalchemy.exc import DBAPIError

from mingus import policies
from mingus import readiness
from mingus.ambient import SystemAmbient
from mingus.config import PlaidEnvironment
from mingus.config import UpdateMode
from mingus.db import db
from mingus.environ import is_loopback
from mingus.mail import SmtpPost
from mingus.webhooks import queries

if TYPE_CHECKING:
    from collections.abc import Callable

    from mingus.config import Settings
    from mingus.services import Services

TIMEOUT_SECONDS = 5.0
CLOCK_TOLERANCE = dt.timedelta(seconds=60)
LITTLE_SPACE_BYTES = 512 * 1024 * 1024


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor's report."""

    level: Level
    subject: str
    words: str

    def line(self) -> str:
        return f"{self.level:<4}  {self.subject:<12}  {self.words}"


def ok(subject: str, words: str) -> Finding:
    return Finding(level=Level.OK, subject=subject, words=words)


def warn(subject: str, words: str) -> Finding:
    return Finding(level=Level.WARN, subject=subject, words=words)


def fail(subject: str, words: str) -> Finding:
    return Finding(level=Level.FAIL, subject=subject, words=words)


def examine(services: Services) -> list[Finding]:
    """Every check once; one that fails does not keep the others from running."""
    settings = services.settings
    findings = [check(settings) for check in SETTINGS_CHECKS]
    findings.extend(_readiness(services))
    findings.append(_wall(services))
    findings.append(_limits(services))
    findings.append(_backups(services))
    findings.append(_signing_times(services))
    return findings


def _environment(settings: Settings) -> Finding:
    if settings.environment is PlaidEnvironment.DEVELOPMENT:
        words = (
            f"a trial on Plaid's production host, at most {settings.item_limit} connections ever. Plaid retired its own"
            " Development host in 2024; access-development tokens are dead."
        )
        return warn("environment", words)
    return ok("environment", f"{settings.environment} at {settings.plaid_host}")


def _keys(settings: Settings) -> Finding:
    count = len(settings.encryption_keys)
    return ok(
        "keys",
        f"{count} encryption key{'s' if count > 1 else ''}, {len(settings.session_keys)} session key(s)",
    )


def _credentials(settings: Settings) -> Finding:
    """A real call: listing one institution needs nothing but valid keys."""
    body = {"count": 1, "offset": 0, "country_codes": list(settings.country_codes)}
    headers = {"PLAID-CLIENT-ID": settings.plaid_client_id, "PLAID-SECRET": settings.plaid_secret}
    try:
        answer = _http().request(
            "POST", f"{settings.plaid_host}/institutions/get", json=body, headers=headers
        )
        words = answer.json()
    except urllib3.exceptions.HTTPError as err:
        cure = (
            "Is the simulator running?"
            if settings.environment is PlaidEnvironment.SIMULATOR
            else "Check the network."
        )
        return fail("credentials", f"{settings.plaid_host} does not answer ({type(err).__name__}). {cure}")
    except ValueError:
        return fail("credentials", f"{settings.plaid_host} answers, but not as Plaid does. Check PLAID_HOST.")
    if answer.status == 200:
        return ok("credentials", f"accepted (request {words.get('request_id', '?')})")
    code = words.get("error_code", answer.status)
    return fail(
        "credentials", f"refused with {code}. Check PLAID_CLIENT_ID and PLAID_SECRET for this PLAID_ENV."
    )


def _redirect(settings: Settings) -> Finding:
    if not settings.oauth:
        return ok("redirect", "ENABLE_OAUTH is off: no redirect URI is sent")
    if not settings.redirect_uri:
        return warn(
            "redirect", "PLAID_REDIRECT_URI is empty: banks that leave the page open a pop-up instead"
        )
    path = urlsplit(settings.redirect_uri).path
    if path not in {"/plaid/callback", "/oauth-callback"}:
        return fail("redirect", f"{path} is not a page of ours. End PLAID_REDIRECT_URI with /plaid/callback.")
    return ok("redirect", f"{settings.redirect_uri} (must be on the list in Plaid's dashboard)")


def _webhook(settings: Settings) -> Finding:
    if not settings.webhook_url:
        how = "by schedule" if settings.update_mode is UpdateMode.BACKGROUND else "only when asked"
        return warn("webhook", f"PLAID_WEBHOOK_URL is empty: data is fetched {how}, not when it changes")
    url = urlsplit(settings.webhook_url)
    if settings.environment is not PlaidEnvironment.SIMULATOR and is_loopback(url.hostname):
        return fail(
            "webhook", "PLAID_WEBHOOK_URL is this machine: Plaid can not reach it. Use the public address."
        )
    try:
        answer = _http().request("GET", settings.webhook_url)
    except urllib3.exceptions.HTTPError as err:
        return fail(
            "webhook",
            f"{settings.webhook_url} does not answer ({type(err).__name__}). Is the web process up?",
        )
    if answer.status == 405:
        return ok("webhook", f"{settings.webhook_url} answers")
    return warn(
        "webhook", f"{settings.webhook_url} answers {answer.status} where 405 was expected. Check the path."
    )


def _clock(settings: Settings) -> Finding:
    """Webhook signatures are only good for minutes, so the clock matters."""
    try:
        answer = _http().request("GET", settings.plaid_host)
        date = dt.datetime.strptime(answer.headers["Date"], "%a, %d %b %Y %H:%M:%S GMT").replace(
            tzinfo=dt.UTC
        )
    except (urllib3.exceptions.HTTPError, KeyError, ValueError):
        return warn("clock", "could not be compared with Plaid's. Keep NTP running.")
    skew = abs(SystemAmbient().now() - date)
    if skew > CLOCK_TOLERANCE:
        return fail("clock", f"differs from Plaid's by {int(skew.total_seconds())} s. Switch NTP on.")
    return ok("clock", "agrees with Plaid's")


def _mail(settings: Settings) -> Finding:
    if not settings.smtp_url:
        return warn("mail", f"SMTP_URL is empty: mails are files in {settings.outbox_dir}")
    try:
        SmtpPost(settings.smtp_url).greet()
    except (OSError, smtplib.SMTPException) as err:
        return fail("mail", f"the mail server does not accept us ({type(err).__name__}). Check SMTP_URL.")
    return ok("mail", f"{urlsplit(settings.smtp_url).hostname} accepts us")


def _disk(settings: Settings) -> Finding:
    if not os.access(settings.data_dir, os.W_OK):
        return fail("disk", f"{settings.data_dir} is not writable. Set MINGUS_DATA_DIR to a folder that is.")
    free = shutil.disk_usage(settings.data_dir).free
    if free < LITTLE_SPACE_BYTES:
        return warn("disk", f"only {free // 1024**2} MB free under {settings.data_dir}")
    return ok("disk", f"{settings.data_dir} is writable, {free // 1024**3} GB free")


def _address(settings: Settings) -> Finding:
    host = urlsplit(settings.base_url).hostname or ""
    if not settings.https and not is_loopback(host):
        return fail(
            "address", "MINGUS_BASE_URL is plain http: cookies and money in clear. Put it behind HTTPS."
        )
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return warn("address", f"{host} does not resolve from here")
    return ok("address", settings.base_url)


def _readiness(services: Services) -> list[Finding]:
    facts = readiness.check(services).facts
    found = [
        ok("database", "answers")
        if facts["database"] == "ok"
        else fail("database", "unreachable. Check DATABASE_URL."),
        ok("migrations", "current")
        if facts["migrations"] == "ok"
        else fail("migrations", "behind. Run: flask --app wsgi migrate"),
        ok("queue", f"answers, {facts['nudges_waiting']} waiting")
        if facts["queue"] == "ok"
        else fail("queue", "unreachable. Check QUEUE_URL, then run: flask --app wsgi migrate"),
    ]
    if facts["webhooks_parked"]:
        cure = "See: flask --app wsgi webhooks list --failed"
        found.append(warn("inbox", f"{facts['webhooks_parked']} webhooks could not be handled. {cure}"))
    if facts["syncs_parked"]:
        cure = "See the worker's log, then: sync now"
        found.append(fail("syncs", f"{facts['syncs_parked']} connections end their worker each time. {cure}"))
    if facts["rows_waiting"]:
        found.append(warn("worker", f"{facts['rows_waiting']} rows wait for a worker. Is one running?"))
    return found


def _wall(services: Services) -> Finding:
    """Whether PostgreSQL itself shows members their own rows alone."""
    role = services.settings.database_web_role
    if not role:
        shared = services.settings.database_url.startswith("postgresql")
        how = "Set DATABASE_WEB_ROLE (docs/production.md, 2)." if shared else "SQLite has no roles."
        return (warn if shared else ok)("wall", f"rows are kept apart by the queries alone. {how}")
    try:
        found = policies.gaps(db.engine, role)
    except DBAPIError:
        return warn("wall", "could not be looked up: see database and migrations above.")
    if found:
        return fail("wall", f"{' '.join(found)} Run: flask --app wsgi migrate")
    return ok("wall", f"{role} sees the rows of one member at a time")


def _limits(services: Services) -> Finding:
    if services.limiter.is_reachable():
        return ok("limits", "counted")
    return fail("limits", "the store of limits does not answer. Check RATE_LIMIT_URL.")


def _backups(services: Services) -> Finding:
    """A backup that was read back whole, not older than two rounds of the schedule."""
    hours = services.settings.backup_hours
    try:
        newest = services.backups.newest()
    except DBAPIError:
        return warn("backups", "could not be looked up: see database and migrations above.")
    if newest is None or newest.finished_at is None:
        how = "flask --app wsgi backup create"
        return warn("backups", f"none was made yet. Leave a worker running, or run: {how}")
    age = services.ambient.now() - newest.finished_at
    if hours and age > dt.timedelta(hours=2 * hours):
        return fail("backups", f"the newest is {age.days} days old. See: flask --app wsgi backup list")
    if not (services.settings.backup_dir / str(newest.file_name)).exists():
        return warn("backups", f"{newest.file_name} is not in MINGUS_BACKUP_DIR on this machine.")
    return ok("backups", f"{newest.file_name}, {newest.row_count} rows, read back whole")


def _signing_times(services: Services) -> Finding:
    """Plaid's own clock as its webhooks carry it; more than a minute apart, they are refused."""
    now = services.ambient.now()
    try:
        lead, refused = queries.clock_lead(now), queries.refused_for_time(now.date())
    except DBAPIError:
        return warn("signing", "could not be looked up: see database and migrations above.")
    if refused:
        return fail("signing", f"{refused} webhooks of today were refused for their time. Switch NTP on.")
    if lead is not None and abs(lead) > CLOCK_TOLERANCE:
        words = "ahead of" if lead > dt.timedelta() else "behind"
        return fail("signing", f"our clock is {abs(lead).seconds} s {words} Plaid's webhooks. Switch NTP on.")
    return ok("signing", "agrees with ours" if lead is not None else "no webhook in the last hour")


def _http() -> urllib3.PoolManager:
    return urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=False)


SETTINGS_CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _environment,
    _keys,
    _credentials,
    _redirect,
    _webhook,
    _clock,
    _address,
    _mail,
    _disk,
)
