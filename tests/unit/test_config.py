"""Settings: every problem at once, each with its cure; production refuses what is unsafe."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from mingus import config
from mingus.config import PlaidEnvironment
from mingus.config import Registration
from mingus.config import SettingsRefused
from mingus.local_setup import write_env

if TYPE_CHECKING:
    from pathlib import Path

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
GOOD = {
    "SESSION_SECRET_KEY": "Zb3kq9-unguessable-4h7sTz-0123456789",
    "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": KEY,
}
PRODUCTION = {
    **GOOD,
    "PLAID_ENV": "production",
    "PLAID_CLIENT_ID": "client",
    "PLAID_SECRET": "secret",
    "MINGUS_BASE_URL": "https://money.test",
    "PLAID_WEBHOOK_URL": "https://money.test/api/plaid/webhook",
    "SMTP_URL": "smtps://post:word@mail.test",
}


def problems(**variables: str) -> list[str]:
    with pytest.raises(SettingsRefused) as refused:
        config.from_env(variables)
    return refused.value.problems


def test_the_defaults_are_the_simulator_on_this_machine() -> None:
    settings = config.from_env(GOOD)
    assert settings.environment is PlaidEnvironment.SIMULATOR
    assert (settings.plaid_client_id, settings.plaid_secret) == ("simulator", "simulator")
    assert settings.link_script_url == "http://127.0.0.1:5001/link/v2/stable/link-initialize.js"
    assert settings.database_url.startswith("sqlite:///")


def test_all_problems_are_told_at_once() -> None:
    found = problems(
        PLAID_ENV="prod", PLAID_COUNTRY_CODES="US,XX", MINGUS_BASE_URL="money", ENABLE_OAUTH="maybe"
    )
    names = {problem.partition(":")[0] for problem in found}
    assert names >= {
        "PLAID_ENV",
        "PLAID_COUNTRY_CODES",
        "MINGUS_BASE_URL",
        "ENABLE_OAUTH",
        "SESSION_SECRET_KEY",
        "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SESSION_SECRET_KEY", "short"),
        ("SESSION_SECRET_KEY", "change-me-change-me-change-me-change-me"),
        ("SESSION_SECRET_KEY", "x" * 40),
        ("PLAID_ACCESS_TOKEN_ENCRYPTION_KEY", "not base64!"),
        ("PLAID_ACCESS_TOKEN_ENCRYPTION_KEY", base64.urlsafe_b64encode(bytes(16)).decode()),
        ("PLAID_ACCESS_TOKEN_ENCRYPTION_KEY", base64.urlsafe_b64encode(bytes(32)).decode()),
        ("PLAID_HOST", "https://sandbox.plaid.com"),
        ("PLAID_WEBHOOK_URL", "http://money.test/api/plaid/webhook"),
        ("PLAID_REDIRECT_URI", "https://money.test/plaid/callback?x=1"),
        ("PLAID_LANGUAGE", "en,fr"),
        ("PLAID_PRODUCTS", "transactions,crypto"),
        ("PLAID_CLIENT_NAME", "A name that Link would not show to people"),
        ("PLAID_DAYS_REQUESTED", "731"),
        ("PLAID_DAYS_REQUESTED", "many"),
        ("PLAID_ITEM_LIMIT", "-1"),
        ("MINGUS_REGISTRATION", "everyone"),
        ("DATABASE_URL", "mysql://money"),
        ("DATABASE_URL", "sqlite://"),
        ("QUEUE_URL", "amqp://rabbit"),
        ("RATE_LIMIT_URL", "memcached://one"),
        ("SMTP_URL", "mail.test"),
        ("PLAID_LOG_LEVEL", "loud"),
        ("MINGUS_TRUSTED_PROXIES", "9"),
    ],
)
def test_one_wrong_value_is_one_problem_that_names_it(name: str, value: str) -> None:
    found = problems(**{**GOOD, name: value})
    assert len(found) == 1
    assert found[0].startswith(f"{name}: ")
    assert found[0].endswith((".", ")"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MINGUS_BASE_URL", "http://money.test"),
        ("PLAID_WEBHOOK_URL", ""),
        ("PLAID_WEBHOOK_URL", "http://127.0.0.1/hook"),
        ("PLAID_REDIRECT_URI", "http://localhost/plaid/callback"),
        ("PLAID_HOST", "https://127.0.0.1:5001"),
        ("PLAID_SECRET", ""),
        ("MINGUS_DEMO", "true"),
        ("SMTP_URL", ""),
        ("MINGUS_SECOND_FACTOR", "nobody"),
    ],
)
def test_production_starts_only_when_it_is_safe(name: str, value: str) -> None:
    assert config.from_env(PRODUCTION).https
    assert any(problem.startswith(f"{name}: ") for problem in problems(**{**PRODUCTION, name: value}))


def test_development_is_a_trial_with_ten_connections_and_closed_doors() -> None:
    variables = {**GOOD, "PLAID_ENV": "development", "PLAID_CLIENT_ID": "c", "PLAID_SECRET": "other"}
    settings = config.from_env({**variables, "PLAID_DEVELOPMENT_API_KEY": "mine"})
    assert settings.plaid_host == "https://production.plaid.com"
    assert (settings.plaid_secret, settings.item_limit, settings.registration) == (
        "mine",
        10,
        Registration.CLOSED,
    )
    assert config.from_env(variables).plaid_secret == "other"


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(GOOD["SESSION_SECRET_KEY"] + "\n")
    variables = {"PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": KEY, "SESSION_SECRET_KEY_FILE": str(secret)}
    assert config.from_env(variables).session_keys == (GOOD["SESSION_SECRET_KEY"],)
    assert any("set twice" in problem for problem in problems(**variables, SESSION_SECRET_KEY="other"))
    missing = problems(**{**variables, "SESSION_SECRET_KEY_FILE": str(tmp_path / "gone")})
    assert missing[0].startswith("SESSION_SECRET_KEY_FILE: ")


def test_the_repr_of_settings_shows_no_secret() -> None:
    text = repr(config.from_env(PRODUCTION))
    for secret in (GOOD["SESSION_SECRET_KEY"], "secret=", "post:word", repr(bytes(range(32)))):
        assert secret not in text


def test_short_spellings_of_postgresql_get_the_installed_driver() -> None:
    for url in ("postgres://u:p@h/n", "postgresql://u:p@h/n"):
        settings = config.from_env({**GOOD, "DATABASE_URL": url})
        assert settings.database_url == settings.queue_url == "postgresql+psycopg://u:p@h/n"


def test_the_first_start_writes_keys_of_its_own_once(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text((config.ROOT / ".env.example").read_text())
    assert write_env(tmp_path)
    first = (tmp_path / ".env").read_text()
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert not write_env(tmp_path)
    assert (tmp_path / ".env").read_text() == first
    lines = dict(
        line.split("=", 1) for line in first.splitlines() if "=" in line and not line.startswith("#")
    )
    assert config.from_env(lines).demo
