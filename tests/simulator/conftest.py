"""Fixtures: a simulator for each test, on a clock that stands, whose every answer and webhook is judged."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from typing import Any

import plaid
import pytest
from plaid.api import plaid_api

from mingus.simulator.config import Config
from tests.simulator.judged import NOON
from tests.simulator.judged import judged
from tests.simulator.judged import pool
from tests.simulator.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

    from tests.simulator.judged import Running


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Start simulators with other settings."""
    with contextlib.ExitStack() as stack:

        def started(**settings: Any) -> Running:
            return stack.enter_context(judged(Config(**{"clock": NOON, **settings})))

        yield started


@pytest.fixture
def simulator(start: Callable[..., Running]) -> Running:
    """A simulator whose clock stands at noon of 4 May 2026."""
    return start()


@pytest.fixture(scope="session")
def shared() -> Iterator[Running]:
    """One simulator for many small tests that leave nothing behind."""
    with judged(Config(clock=NOON)) as running:
        yield running


@pytest.fixture
def api(simulator: Running) -> Iterator[plaid_api.PlaidApi]:
    """Plaid's own SDK, pointed at the simulator, checking every type."""
    configuration = plaid.Configuration(
        host=simulator.base_url, api_key={"clientId": "simulator", "secret": "simulator"}
    )
    client = plaid.ApiClient(configuration)
    yield plaid_api.PlaidApi(client)
    client.rest_client.pool_manager.clear()
    client.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who takes webhooks."""
    taker = Receiver()
    yield taker
    taker.stop()


@pytest.fixture(autouse=True, scope="session")
def _close_pool() -> Iterator[None]:
    yield
    pool.clear()
