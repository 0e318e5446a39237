"""The vault: bound to its row, changed while it runs, loud about wrong keys."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.sealed import SecretId
from mingus.sealed import SecretKind
from mingus.sealed import VaultSecret
from mingus.vault import KeyringRefused
from mingus.vault import SecretUnreadable
from mingus.vault import TokenVault
from mingus.vault import key_id
from tests.conftest import ROOT
from tests.conftest import SESSION_KEY

if TYPE_CHECKING:
    from mingus.services import Services

KILLED = """
import os, signal, sys
from wsgi import app
from mingus.services import services
with app.app_context():
    vault, left = services().vault, int(sys.argv[1])
    reseal = vault._reseal
    def dying(row, text):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        reseal(row, text)
    vault._reseal = dying
    vault.rotate(dry_run=False)
"""
TOKEN = "access-sandbox-8ab976e6-64bc-4b38-98f7-731e7a349970"
OLD, NEW = bytes(range(32)), bytes(range(32, 64))


@pytest.fixture
def vault(wired: Services) -> TokenVault:
    made = TokenVault((OLD,), wired.ambient)
    made.place_canary()
    return made


def seal(vault: TokenVault, owner: str = "con_1") -> SecretId:
    with unit_of_work() as unit:
        return vault.seal(unit, SecretKind.ACCESS_TOKEN, owner, TOKEN)


def test_what_is_sealed_opens_for_its_owner_alone(vault: TokenVault) -> None:
    secret = seal(vault)
    assert vault.open(secret, SecretKind.ACCESS_TOKEN, "con_1") == TOKEN
    for kind, owner in ((SecretKind.ACCESS_TOKEN, "con_2"), (SecretKind.LINK_TOKEN, "con_1")):
        with pytest.raises(SecretUnreadable):
            vault.open(secret, kind, owner)


def test_a_ciphertext_moved_to_another_row_does_not_open(vault: TokenVault) -> None:
    first, second = seal(vault), seal(vault)
    row = db.session.get_one(VaultSecret, first)
    with unit_of_work() as unit:
        moved = {"nonce": row.nonce, "ciphertext": row.ciphertext}
        unit.session.execute(update(VaultSecret).where(VaultSecret.id == second).values(**moved))
    with pytest.raises(SecretUnreadable):
        vault.open(second, SecretKind.ACCESS_TOKEN, "con_1")
    assert vault.open(first, SecretKind.ACCESS_TOKEN, "con_1") == TOKEN


def test_the_same_text_never_looks_the_same(vault: TokenVault) -> None:
    rows = [db.session.get_one(VaultSecret, seal(vault)) for _ in range(5)]
    assert len({row.ciphertext for row in rows}) == len({row.nonce for row in rows}) == 5
    assert all(TOKEN.encode() not in row.ciphertext for row in rows)


def test_a_wrong_key_is_noticed_before_anything_is_touched(vault: TokenVault, wired: Services) -> None:
    seal(vault)
    with pytest.raises(KeyringRefused, match="need key"):
        TokenVault((NEW,), wired.ambient).check_keys()
    vault.check_keys()


def test_a_key_may_go_once_nothing_needs_it(vault: TokenVault, wired: Services) -> None:
    secret = seal(vault)
    both = TokenVault((NEW, OLD), wired.ambient)
    both.check_keys()
    assert both.rotate(dry_run=True).changed == 1
    assert db.session.get_one(VaultSecret, secret).key_id == key_id(OLD)
    assert both.rotate(dry_run=False).changed == 1
    assert both.rotate(dry_run=False).changed == 0, "done once, it has nothing left to do"
    alone = TokenVault((NEW,), wired.ambient)
    alone.check_keys()
    assert alone.open(secret, SecretKind.ACCESS_TOKEN, "con_1") == TOKEN


def test_a_rotation_that_stops_anywhere_leaves_everything_readable(
    vault: TokenVault, wired: Services
) -> None:
    ids = [seal(vault, f"con_{number}") for number in range(250)]
    both = TokenVault((NEW, OLD), wired.ambient)

    class Stop(Exception):
        pass

    reseal, done = both._reseal, 0

    def stop_later(row: VaultSecret, text: str) -> None:
        nonlocal done
        done += 1
        if done == 150:
            raise Stop
        reseal(row, text)

    both._reseal = stop_later  # type: ignore[method-assign]  # the machine dies here
    with pytest.raises(Stop):
        both.rotate(dry_run=False)
    fresh = TokenVault((NEW, OLD), wired.ambient)
    assert fresh.verify().unreadable == ()
    assert 0 < fresh.verify().current < 250
    fresh.rotate(dry_run=False)
    assert (fresh.verify().current, fresh.verify().total) == (250, len(ids))


def killed_rotation(wired: Services, after: int) -> int:
    """A process of its own that changes keys and is killed by signal 9 at its so manieth secret; how it ended."""
    ring = ",".join(base64.urlsafe_b64encode(key).decode() for key in (NEW, OLD))
    environment = {
        **os.environ,
        "SESSION_SECRET_KEY": SESSION_KEY,
        "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": ring,
        "MINGUS_DATA_DIR": str(wired.settings.data_dir),
        "DATABASE_URL": wired.settings.database_url,
        "QUEUE_URL": wired.settings.queue_url,
    }
    command = [sys.executable, "-c", KILLED, str(after)]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True).returncode


def test_a_rotation_that_is_killed_again_and_again_leaves_everything_readable(
    vault: TokenVault, wired: Services
) -> None:
    """KILLS=20 SECRETS=10000 is the long run."""
    count, kills = int(os.environ.get("SECRETS", "250")), int(os.environ.get("KILLS", "2"))
    with unit_of_work() as unit:
        for number in range(count):
            vault.seal(unit, SecretKind.ACCESS_TOKEN, f"con_{number}", TOKEN)
    both, done = TokenVault((NEW, OLD), wired.ambient), 0
    for _ in range(kills):
        assert killed_rotation(wired, count // kills - 3) == -signal.SIGKILL
        found = both.verify()
        assert (found.total, found.unreadable) == (count, ())
        assert found.current >= done
        done = found.current
    assert 0 < done < count
    both.rotate(dry_run=False)
    assert TokenVault((NEW,), wired.ambient).verify().current == count


def test_one_damaged_secret_is_told_and_harms_no_other(vault: TokenVault, wired: Services) -> None:
    good, bad = seal(vault), seal(vault)
    with unit_of_work() as unit:
        unit.session.execute(
            update(VaultSecret).where(VaultSecret.id == bad).values(ciphertext=os.urandom(40))
        )
    assert vault.verify().unreadable == (bad,)
    both = TokenVault((NEW, OLD), wired.ambient)
    assert both.rotate(dry_run=False).unreadable == (bad,)
    assert both.open(good, SecretKind.ACCESS_TOKEN, "con_1") == TOKEN


def test_a_destroyed_secret_is_gone(vault: TokenVault) -> None:
    secret = seal(vault)
    with unit_of_work() as unit:
        vault.destroy(unit, secret)
    assert db.session.scalars(select(VaultSecret)).all() == []
    with pytest.raises(SecretUnreadable):
        vault.open(secret, SecretKind.ACCESS_TOKEN, "con_1")


@given(st.binary(min_size=32, max_size=32))
def test_a_keys_name_tells_nothing_of_it(key: bytes) -> None:
    assert len(key_id(key)) == 16
    assert key_id(key) not in key.hex()
