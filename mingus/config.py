"""Settings: read and checked in one place, all problems at once; the only reader of the process's environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dotenv import dotenv_values

from mingus.environ import EnvironmentReader
from mingus.environ import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
COUNTRY_CODES = frozenset(
    [
        "US",
        "GB",
        "ES",
        "NL",
        "FR",
        "IE",
        "CA",
        "DE",
        "IT",
        "PL",
        "DK",
        "NO",
        "SE",
        "EE",
        "LT",
        "LV",
        "PT",
        "BE",
        "AT",
        "FI",
    ]
)
LANGUAGES = frozenset(
    [
        "da",
        "nl",
        "en",
        "et",
        "fr",
        "de",
        "hi",
        "it",
        "lv",
        "lt",
        "nb",
        "pl",
        "pt",
        "ro",
        "es",
        "sv",
        "vi",
        "ht",
    ]
)
PRODUCTS = frozenset({"transactions", "liabilities", "investments"})
LINK_SCRIPT = "/link/v2/stable/link-initialize.js"
LINK_CDN = "https://cdn.plaid.com"
CLIENT_NAME_MAX_LENGTH = 30
TRIAL_ITEM_LIMIT = 10
METRICS_TOKEN_LENGTH = 24


class PlaidEnvironment(StrEnum):
    SIMULATOR = "simulator"
    SANDBOX = "sandbox"
    PRODUCTION = "production"
    DEVELOPMENT = "development"


class UpdateMode(StrEnum):
    BACKGROUND = "background"
    MANUAL = "manual"


class Registration(StrEnum):
    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class SecondFactor(StrEnum):
    """Who has to have one."""

    NOBODY = "nobody"
    ADMINS = "admins"
    EVERYBODY = "everybody"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


DEFAULT_HOSTS = {
    PlaidEnvironment.SIMULATOR: "http://127.0.0.1:5001",
    PlaidEnvironment.SANDBOX: "https://sandbox.plaid.com",
    PlaidEnvironment.PRODUCTION: "https://production.plaid.com",
    # Plaid retired its Development host in 2024; trying real accounts happens on the production host
    PlaidEnvironment.DEVELOPMENT: "https://production.plaid.com",
}
REAL_MONEY = frozenset({PlaidEnvironment.PRODUCTION, PlaidEnvironment.DEVELOPMENT})


class SettingsRefused(Exception):
    """The settings are not usable; `problems` has one line for each, with its cure."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can choose, checked. Secrets never show in its repr."""

    environment: PlaidEnvironment
    base_url: str
    registration: Registration
    second_factor: SecondFactor
    demo: bool
    data_dir: Path
    database_url: str = field(repr=False)
    database_web_role: str
    queue_url: str = field(repr=False)
    rate_limit_url: str = field(repr=False)
    session_keys: tuple[str, ...] = field(repr=False)
    encryption_keys: tuple[bytes, ...] = field(repr=False)
    plaid_host: str
    plaid_client_id: str
    plaid_secret: str = field(repr=False)
    webhook_url: str
    redirect_uri: str
    oauth: bool
    update_mode: UpdateMode
    country_codes: tuple[str, ...]
    language: str
    products: tuple[str, ...]
    client_name: str
    days_requested: int
    item_limit: int | None
    calls_per_minute: int
    log_level: LogLevel
    metrics: bool
    metrics_token: str = field(repr=False)
    slow_query_ms: int
    sentry_dsn: str = field(repr=False)
    otlp_url: str
    smtp_url: str = field(repr=False)
    mail_from: str
    trusted_proxies: int
    keep_webhooks_days: int
    keep_calls_days: int
    keep_sync_logs_days: int
    backup_dir: Path
    backup_hours: int
    keep_backups: int

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def link_script_url(self) -> str:
        """Where the browser loads Link from: Plaid's own address, or the simulator's."""
        return self.link_origin + LINK_SCRIPT

    @property
    def link_origin(self) -> str:
        return self.plaid_host if self.environment is PlaidEnvironment.SIMULATOR else LINK_CDN

    @property
    def outbox_dir(self) -> Path:
        """Where mails go as files when no mail server is set."""
        return self.data_dir / "outbox"

    @property
    def mails_stay_here(self) -> bool:
        """True in local use: pages may then name the folder where mails lie."""
        return not self.smtp_url and is_loopback(urlsplit(self.base_url).hostname)

    @property
    def trusted_hosts(self) -> tuple[str, ...]:
        host = urlsplit(self.base_url).hostname or ""
        return (host, "localhost", "127.0.0.1", "[::1]") if is_loopback(host) else (host,)


def load(root: Path = ROOT) -> Settings:
    """Settings from `.env` under `root` and the process's environment, which wins; raises SettingsRefused."""
    variables = {name: value for name, value in dotenv_values(root / ".env").items() if value is not None}
    variables.update(os.environ)
    if variables.get("MINGUS_AWS_SECRET_ID"):
        variables = {**_aws_secrets(variables["MINGUS_AWS_SECRET_ID"]), **variables}
    return from_env(variables)


def from_env(variables: Mapping[str, str]) -> Settings:
    """Settings from a mapping; raises SettingsRefused with every problem found, not only the first."""
    read = EnvironmentReader(variables)
    environment = read.choice("PLAID_ENV", PlaidEnvironment, PlaidEnvironment.SIMULATOR)
    local = environment in {PlaidEnvironment.SIMULATOR, PlaidEnvironment.SANDBOX}
    data_dir = Path(read.text("MINGUS_DATA_DIR", str(ROOT / "var")))
    database_url = _database_url(read, data_dir)
    settings = Settings(
        environment=environment,
        base_url=read.url("MINGUS_BASE_URL", "http://localhost:5000", loopback_http=True, bare=True),
        registration=read.choice(
            "MINGUS_REGISTRATION",
            Registration,
            Registration.CLOSED if environment is PlaidEnvironment.DEVELOPMENT else Registration.OPEN,
        ),
        second_factor=read.choice(
            "MINGUS_SECOND_FACTOR",
            SecondFactor,
            SecondFactor.ADMINS if environment is PlaidEnvironment.PRODUCTION else SecondFactor.NOBODY,
        ),
        demo=read.flag("MINGUS_DEMO", default=False),
        data_dir=data_dir,
        database_url=database_url,
        database_web_role=_web_role(read, database_url),
        queue_url=_queue_url(read, database_url, data_dir),
        rate_limit_url=_rate_limit_url(read),
        session_keys=read.session_keys("SESSION_SECRET_KEY"),
        encryption_keys=read.encryption_keys("PLAID_ACCESS_TOKEN_ENCRYPTION_KEY"),
        plaid_host=read.url("PLAID_HOST", DEFAULT_HOSTS[environment], loopback_http=local),
        plaid_client_id=read.secret("PLAID_CLIENT_ID") or _simulator_credential(environment),
        plaid_secret=_plaid_secret(read, environment),
        webhook_url=read.url("PLAID_WEBHOOK_URL", loopback_http=local),
        redirect_uri=read.url("PLAID_REDIRECT_URI", loopback_http=local),
        oauth=read.flag("ENABLE_OAUTH", default=True),
        update_mode=read.choice("PLAID_UPDATE_MODE", UpdateMode, UpdateMode.BACKGROUND),
        country_codes=read.words("PLAID_COUNTRY_CODES", "US", allowed=COUNTRY_CODES, upper=True),
        language=_language(read),
        products=read.words("PLAID_PRODUCTS", "transactions,liabilities,investments", allowed=PRODUCTS),
        client_name=_client_name(read),
        days_requested=read.integer("PLAID_DAYS_REQUESTED", 730, low=30, high=730),
        item_limit=_item_limit(read, environment),
        calls_per_minute=read.integer("PLAID_CALLS_PER_MINUTE", 100, low=10, high=1_000_000),
        log_level=read.choice("PLAID_LOG_LEVEL", LogLevel, LogLevel.INFO),
        metrics=read.flag("PLAID_METRICS_ENABLED", default=False),
        metrics_token=read.secret("MINGUS_METRICS_TOKEN"),
        slow_query_ms=read.integer("MINGUS_SLOW_QUERY_MS", 500, low=0, high=3_600_000),
        sentry_dsn=read.secret("SENTRY_DSN"),
        otlp_url=read.url("MINGUS_OTLP_URL", loopback_http=True),
        smtp_url=_smtp_url(read),
        mail_from=read.text("MAIL_FROM", "MINGUS <mingus@localhost>"),
        trusted_proxies=read.integer("MINGUS_TRUSTED_PROXIES", 0, low=0, high=5),
        keep_webhooks_days=read.integer("MINGUS_KEEP_WEBHOOKS_DAYS", 30, low=2, high=3650),
        keep_calls_days=read.integer("MINGUS_KEEP_CALLS_DAYS", 30, low=2, high=3650),
        keep_sync_logs_days=read.integer("MINGUS_KEEP_SYNC_LOGS_DAYS", 365, low=7, high=3650),
        backup_dir=Path(read.text("MINGUS_BACKUP_DIR", str(data_dir / "backups"))),
        backup_hours=read.integer("MINGUS_BACKUP_HOURS", 24, low=0, high=720),
        keep_backups=read.integer("MINGUS_KEEP_BACKUPS", 14, low=1, high=1000),
    )
    _check_environment(read, settings)
    if read.problems:
        raise SettingsRefused(read.problems)
    return settings


def _aws_secrets(secret_id: str) -> dict[str, str]:
    from mingus import aws_secrets  # the extra is only loaded where it is used

    try:
        return aws_secrets.fetch_secrets(secret_id)
    except aws_secrets.SecretsUnreadable as err:
        raise SettingsRefused([str(err)]) from err


def _check_environment(read: EnvironmentReader, settings: Settings) -> None:
    """What one environment demands of the other settings."""
    environment = settings.environment
    credentials = {"PLAID_CLIENT_ID": settings.plaid_client_id, "PLAID_SECRET": settings.plaid_secret}
    for name, value in credentials.items():
        if not value:
            read.refuse(
                name, f"is missing. PLAID_ENV={environment} needs it; it is in Plaid's dashboard under Keys."
            )
    if environment is PlaidEnvironment.SIMULATOR and not is_loopback(urlsplit(settings.plaid_host).hostname):
        read.refuse(
            "PLAID_HOST", "is not on this machine. The simulator runs on loopback; for Plaid set PLAID_ENV."
        )
    if settings.metrics and len(settings.metrics_token) < METRICS_TOKEN_LENGTH:
        read.refuse(
            "MINGUS_METRICS_TOKEN",
            f"is missing or short. With PLAID_METRICS_ENABLED, set {METRICS_TOKEN_LENGTH} characters or more.",
        )
    if environment in REAL_MONEY and is_loopback(urlsplit(settings.plaid_host).hostname):
        read.refuse(
            "PLAID_HOST", f"is this machine. PLAID_ENV={environment} talks to Plaid, never to a simulator."
        )
    if environment is PlaidEnvironment.PRODUCTION:
        _check_production(read, settings)


def _check_production(read: EnvironmentReader, settings: Settings) -> None:
    nobody = settings.second_factor is SecondFactor.NOBODY
    for wrong, name, problem in (
        (not settings.https, "MINGUS_BASE_URL", "must begin with https:// in production."),
        (not settings.webhook_url, "PLAID_WEBHOOK_URL", "is missing: https://<host>/api/plaid/webhook."),
        (settings.demo, "MINGUS_DEMO", "must be off in production: everybody knows its password."),
        (nobody, "MINGUS_SECOND_FACTOR", "must be admins or everybody in production."),
        (not settings.smtp_url, "SMTP_URL", "is missing. Production needs it for sign-up and reset."),
    ):
        if wrong:
            read.refuse(name, problem)


def _plaid_secret(read: EnvironmentReader, environment: PlaidEnvironment) -> str:
    own = read.secret("PLAID_DEVELOPMENT_API_KEY") if environment is PlaidEnvironment.DEVELOPMENT else ""
    return own or read.secret("PLAID_SECRET") or _simulator_credential(environment)


def _simulator_credential(environment: PlaidEnvironment) -> str:
    return "simulator" if environment is PlaidEnvironment.SIMULATOR else ""


def _item_limit(read: EnvironmentReader, environment: PlaidEnvironment) -> int | None:
    limit = read.integer("PLAID_ITEM_LIMIT", 0, low=0, high=1_000_000)
    return limit or (TRIAL_ITEM_LIMIT if environment is PlaidEnvironment.DEVELOPMENT else None)


def _language(read: EnvironmentReader) -> str:
    languages = read.words("PLAID_LANGUAGE", "en", allowed=LANGUAGES)
    if len(languages) != 1:
        read.refuse("PLAID_LANGUAGE", "takes one language code.")
    return languages[0]


def _client_name(read: EnvironmentReader) -> str:
    name = read.text("PLAID_CLIENT_NAME", "MINGUS")
    if len(name) > CLIENT_NAME_MAX_LENGTH:
        read.refuse(
            "PLAID_CLIENT_NAME",
            f"is longer than {CLIENT_NAME_MAX_LENGTH} characters; Link would not show it.",
        )
    return name


def _database_url(read: EnvironmentReader, data_dir: Path) -> str:
    """SQLAlchemy's URL; the short spellings of PostgreSQL get the driver that is installed."""
    raw = read.secret("DATABASE_URL") or f"sqlite:///{data_dir / 'mingus.sqlite3'}"
    scheme, _, rest = raw.partition("://")
    if scheme in {"postgres", "postgresql", "postgresql+psycopg"} and rest:
        return f"postgresql+psycopg://{rest}"
    if scheme != "sqlite" or rest in {"", "/", "/:memory:"}:
        read.refuse(
            "DATABASE_URL", "use postgresql://user:password@host/name or sqlite:////absolute/path/to/file."
        )
    return raw


def _web_role(read: EnvironmentReader, database_url: str) -> str:
    role = read.text("DATABASE_WEB_ROLE")
    if role and not (database_url.startswith("postgresql") and role.isidentifier() and role.isascii()):
        read.refuse("DATABASE_WEB_ROLE", "needs PostgreSQL and a plain name, such as mingus_web.")
    return role.lower()


def _queue_url(read: EnvironmentReader, database_url: str, data_dir: Path) -> str:
    """Where nudges travel: the database's own server, a Redis, or a file beside SQLite."""
    shared = database_url.startswith("postgresql")
    fallback = database_url if shared else f"sqlite:///{data_dir / 'queue.sqlite3'}"
    raw = read.secret("QUEUE_URL") or fallback
    scheme, _, rest = raw.partition("://")
    if scheme in {"postgres", "postgresql", "postgresql+psycopg"}:
        return f"postgresql+psycopg://{rest}"
    if scheme not in {"sqlite", "redis", "rediss"}:
        read.refuse("QUEUE_URL", "use sqlite:////path, postgresql://… or redis://….")
    return raw


def _rate_limit_url(read: EnvironmentReader) -> str:
    raw = read.secret("RATE_LIMIT_URL") or "database://"
    if raw.partition("://")[0] not in {"database", "redis", "rediss"}:
        read.refuse("RATE_LIMIT_URL", "use redis://host:6379/0, or leave it empty to count in the database.")
    return raw


def _smtp_url(read: EnvironmentReader) -> str:
    raw = read.secret("SMTP_URL")
    if raw and (urlsplit(raw).scheme not in {"smtp", "smtps"} or not urlsplit(raw).hostname):
        read.refuse(
            "SMTP_URL", "use smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465."
        )
    return raw
