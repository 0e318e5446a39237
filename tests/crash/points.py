"""Where a worker can be killed: named steps around every call, page and commit, put there from outside."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy.orm import Session

from mingus.jobs import HueyJobs
from mingus.plaid.connections import Connections
from mingus.plaid.gateway import PlaidGateway
from mingus.plaid.leases import Leases
from mingus.plaid.productwriting import ProductWriter
from mingus.plaid.spool import PageSpool
from mingus.plaid.staging import Stager
from mingus.plaid.sync import SyncEngine
from mingus.plaid.writing import LedgerWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from mmap import mmap

STEPS: tuple[tuple[type, str], ...] = (
    (Leases, "take"),
    (Leases, "keep"),
    (PlaidGateway, "sync_page"),
    (PlaidGateway, "accounts"),
    (PlaidGateway, "item"),
    (PlaidGateway, "liabilities"),
    (PlaidGateway, "holdings"),
    (PlaidGateway, "movements"),
    (PlaidGateway, "recurring"),
    (PageSpool, "keep"),
    (PageSpool, "clear"),
    (PlaidGateway, "close_book"),
    (SyncEngine, "_apply"),
    (SyncEngine, "_held"),
    (SyncEngine, "_finish_quietly"),
    (SyncEngine, "_settle"),
    (SyncEngine, "_finish_log"),
    (SyncEngine, "_close_log"),
    (Connections, "write_accounts"),
    (Connections, "move"),
    (LedgerWriter, "write_page"),
    (LedgerWriter, "_insert"),
    (LedgerWriter, "_apply"),
    (LedgerWriter, "_note"),
    (LedgerWriter, "write_later"),
    (LedgerWriter, "write_parked"),
    (LedgerWriter, "snapshot_balances"),
    (Stager, "open"),
    (Stager, "write"),
    (Stager, "finish"),
    (Stager, "discard"),
    (ProductWriter, "_replace"),
    (ProductWriter, "finish"),
    (HueyJobs, "enqueue"),
    (HueyJobs, "_run"),
    (Session, "commit"),
    (Session, "rollback"),
)


def arm(die_at: int, tell: Callable[[str], None], count: mmap) -> None:
    """Count every step that this process passes, before and after, and kill it with signal 9 at one of them."""
    passed = 0
    count[:8] = bytes(8)

    def step(name: str) -> None:
        nonlocal passed
        passed += 1
        count[:8] = passed.to_bytes(8, sys.byteorder)
        if passed == die_at:
            tell(name)
            os.kill(os.getpid(), signal.SIGKILL)

    _surround(step)


def arm_to_freeze(step_name: str) -> None:
    """Stop this process the first time it comes to a step, until somebody wakes it."""
    passed: list[str] = []

    def step(name: str) -> None:
        if name == step_name and not passed:
            passed.append(name)
            os.kill(os.getpid(), signal.SIGSTOP)

    _surround(step)


def _surround(step: Callable[[str], None]) -> None:
    def around(owner: type, name: str) -> Callable[..., Any]:
        inner, label = getattr(owner, name), f"{owner.__name__}.{name}"

        def outer(*args: Any, **options: Any) -> Any:
            step(f"before {label}")
            result = inner(*args, **options)
            step(f"after {label}")
            return result

        return outer

    for owner, name in STEPS:
        setattr(owner, name, around(owner, name))
