"""State: one file, a restart, a kill in the middle of work; and the program around it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.simulator.config import Config
from mingus.simulator.config import ConfigRefused
from mingus.simulator.store import Store
from mingus.simulator.testing import running
from tests.simulator.judged import HEADERS
from tests.simulator.judged import NOON
from tests.simulator.judged import judged
from tests.simulator.judged import pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator
    from pathlib import Path

    from tests.simulator.judged import Running
    from tests.simulator.receiver import Receiver


ROOT = __file__.rsplit("/tests/", 1)[0]


@contextmanager
def program(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The simulator as a program of its own, and its address."""
    command = [sys.executable, "-m", "mingus.simulator", "--port", "0", *options]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    process = subprocess.Popen(command, **pipes)
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("Plaid simulator listening on http://127.0.0.1:"), process.communicate()
        yield process, line.split()[-1]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ask(url: str, path: str, **body: Any) -> dict[str, Any]:
    response = pool.request("POST", url + path, body=json.dumps(body), headers=HEADERS, timeout=20)
    answer: dict[str, Any] = json.loads(response.data)
    assert response.status == 200, answer
    return answer


def test_everything_survives_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    config = Config(clock=NOON, state=tmp_path / "state.db")
    with judged(config) as simulator:
        token = simulator.link("user_household", webhook=receiver.url)
        pages, cursor = simulator.read_all(token)
        simulator.do(token, "spend", amount=9.99)
        simulator.do(token, "expire_consent", in_days=20)
        simulator.ok("/control/institutions/ins_109509", {"status": "DOWN"})
        simulator.ok("/control/scenarios/login_expires")
        receiver.wait_for("DEFAULT_UPDATE")
        simulator.travel(3600)
        key, accounts = simulator.sim.keys.current, simulator.ok("/accounts/get", {"access_token": token})
    with judged(config) as simulator:
        assert simulator.get("/control/state")["clock"]["now"] == "2026-05-04T13:00:00Z"
        assert simulator.sim.keys.current == key
        assert simulator.sim.institutions.get("ins_109509").status == "DOWN"
        again = simulator.ok("/accounts/get", {"access_token": token})
        assert again["accounts"] == accounts["accounts"]
        news = simulator.read_all(token, cursor)[0][0]
        assert [row["amount"] for row in news["added"]] == [9.99]
        ids = [
            [row["transaction_id"] for row in page["added"]]
            for page in (pages[1], simulator.read_all(token)[0][1])
        ]
        assert ids[0] == ids[1]
        late = simulator.link("user_household")
        simulator.travel(3 * 86_400)
        assert simulator.error("/accounts/get", {"access_token": late}) == "ITEM_LOGIN_REQUIRED"
        simulator.ok("/accounts/get", {"access_token": token})
        simulator.travel(20 * 86_400)
        assert simulator.error("/accounts/get", {"access_token": token}) == "ITEM_LOGIN_REQUIRED"


def test_an_undelivered_webhook_is_delivered_after_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    config = Config(clock=NOON, state=tmp_path / "state.db")
    receiver.status = 500
    with judged(config) as simulator:
        token = simulator.link(webhook=receiver.url, products=["auth"])
        simulator.do(token, "fire_webhook", webhook_code="LOGIN_REPAIRED")
        receiver.wait_for("LOGIN_REPAIRED")
    receiver.status = 200
    with judged(config) as simulator:
        simulator.travel(31)
        receiver.wait_for("LOGIN_REPAIRED", 2)


def test_a_killed_simulator_wakes_up_with_what_it_had_answered(tmp_path: Path) -> None:
    options = ("--state", str(tmp_path / "state.db"), "--clock", NOON)
    with program(*options) as (process, url):
        made = ask(
            url,
            "/sandbox/public_token/create",
            institution_id="ins_109508",
            initial_products=["transactions"],
            options={"override_username": "user_dynamic"},
        )
        exchanged = ask(url, "/item/public_token/exchange", public_token=made["public_token"])
        token, item_id = exchanged["access_token"], exchanged["item_id"]
        ask(url, f"/control/items/{item_id}/do/finish_import")
        spent = [ask(url, f"/control/items/{item_id}/do/spend", amount=n + 0.5) for n in range(20)]
        process.send_signal(signal.SIGKILL)
        process.wait()
    with program(*options) as (_, url):
        page = ask(url, "/transactions/sync", access_token=token, count=500)
        have = {row["transaction_id"] for row in page["added"]}
        assert {row["transaction"]["transaction_id"] for row in spent} <= have


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_gracefully(how: signal.Signals) -> None:
    with program() as (process, url):
        ask(url, "/categories/get")
        process.send_signal(how)
        assert process.wait(timeout=10) == 0
        assert process.stderr
        assert process.stderr.read() == ""


def test_a_taken_port_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "mingus.simulator", "--port", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=ROOT, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert f"127.0.0.1:{port}" in ended.stderr


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--clock", "yesterday"], "frozen:"),
        (["--scenario", "atlantis"], "tip_changes"),
        (["--public-url", "https://production.plaid.com"], "production.plaid.com"),
        (["--state", "/nowhere/at/all.db"], "/nowhere/at/all.db"),
        (["--secret", ""], "--secret"),
    ],
)
def test_wrong_options_are_told_in_one_line(options: list[str], word: str) -> None:
    command = [sys.executable, "-m", "mingus.simulator", "--port", "0", *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=ROOT, check=False)
    assert ended.returncode == 2
    assert word in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_file_that_is_no_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("this is not a database, but long enough to look like something else")
    with pytest.raises(ConfigRefused, match="cannot use"):
        Store(tmp_path / "state.db")


def test_many_threads_leave_one_truth(start: Callable[..., Running], tmp_path: Path) -> None:
    simulator = start(state=tmp_path / "state.db")
    token = simulator.link("user_dynamic")
    item_id = simulator.sim.items.by_access_token(token).item_id

    def busy(number: int) -> list[int]:
        actions = ("spend", "burst", "change", "post_pending", "remove_transaction")
        body = {"amount": 2.5} if actions[number % 5] in ("spend", "change") else {}
        path = f"/control/items/{item_id}/do/{actions[number % 5]}"
        calls = (("/transactions/sync", {"access_token": token, "count": 500}), (path, body))
        return [simulator.post(*call)[0] for call in calls]

    with ThreadPoolExecutor(8) as pool_of_threads:
        statuses = {status for answers in pool_of_threads.map(busy, range(80)) for status in answers}
    assert statuses == {200}
    ids = [row["transaction_id"] for page in simulator.read_all(token)[0] for row in page["added"]]
    truth = simulator.get(f"/control/items/{item_id}/truth")["transactions"]
    assert sorted(ids) == sorted(row["transaction_id"] for row in truth)


def test_reset_leaves_nothing_but_keys_and_clock(simulator: Running) -> None:
    token = simulator.link("user_household")
    simulator.do(token, "spend")
    simulator.ok("/control/faults", {"kind": "error", "endpoint": "/item/get"})
    kid = simulator.sim.keys.current
    simulator.ok("/control/reset")
    state = simulator.get("/control/state")
    assert (state["items"], state["faults"], simulator.sim.keys.current) == (0, 0, kid)
    assert simulator.error("/item/get", {"access_token": token}) == "INVALID_ACCESS_TOKEN"
    assert simulator.read_all(simulator.link("user_household"))[0][0]["added"]


def test_importing_it_loads_nothing_of_the_application() -> None:
    script = (
        "import sys; import mingus.simulator.wsgi;"
        "print([n for n in sys.modules if n.startswith('mingus.') and not n.startswith('mingus.simulator')],"
        "[n for n in ('flask', 'sqlalchemy', 'plaid') if n in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": ROOT}
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30, check=True)
    assert ended.stdout.strip() == "[] []"


def test_other_peoples_tests_run_it_in_their_own_process() -> None:
    with running(Config(clock=NOON)) as started:
        answer = pool.request("POST", f"{started.base_url}/categories/get", body="{}", headers=HEADERS)
        assert json.loads(answer.data)["categories"]
        assert started.sim.clock.now().isoformat() == "2026-05-04T12:00:00+00:00"


def test_the_clock_runs_at_another_pace_when_asked(simulator: Running) -> None:
    simulator.ok("/control/clock", {"rate": 3600})
    token = simulator.link("user_household", import_all=False)
    deadline = time.monotonic() + 10
    while simulator.read_all(token)[0][-1]["transactions_update_status"] != "HISTORICAL_UPDATE_COMPLETE":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    frozen = simulator.ok("/control/clock", {"rate": 0})["now"]
    assert simulator.get("/control/state")["clock"]["now"] == frozen


@pytest.mark.parametrize(
    "body", [{"set": "soon"}, {"rate": -1}, {"advance_seconds": "x"}, {"advance_seconds": 1e300}]
)
def test_the_clock_refuses_nonsense(simulator: Running, body: dict[str, Any]) -> None:
    assert simulator.error("/control/clock", body) == "INVALID_FIELD"
    assert simulator.get("/control/state")["clock"]["now"] == "2026-05-04T12:00:00Z"
