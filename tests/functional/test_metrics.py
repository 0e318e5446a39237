"""/metrics: for who has the token, over all processes, and nothing about people in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING
from typing import Any

import pytest
import yaml

from mingus.failures_report import scrubbed
from tests.conftest import ENCRYPTION_KEY
from tests.conftest import ROOT
from tests.conftest import SESSION_KEY
from tests.support.made import share

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.browser import Browser

TOKEN = "a-token-of-tests-0123456789"
# a process of its own: the library chooses how it counts when it is first imported
SCRAPE = """
import sys
from mingus import metrics
from wsgi import app
browser = app.test_client()
browser.get("/healthz")
metrics.call_done(endpoint="/transactions/sync", code=None, seconds=0.2)
metrics.sync_done(status="success", added=3)
metrics.webhook_came("verified")
metrics.job_done(kind="sync", outcome="done", seconds=0.1)
for token in sys.argv[1:]:
    answer = browser.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    print(answer.status_code)
    print(answer.get_data(as_text=True))
"""


def run(folder: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "SESSION_SECRET_KEY": SESSION_KEY,
        "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "MINGUS_DATA_DIR": str(share(folder)),
        **changes,
    }
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=60
    )


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What two processes, one after the other, counted together."""
    folder = tmp_path_factory.mktemp("metrics")
    switched_on = {"PLAID_METRICS_ENABLED": "true", "MINGUS_METRICS_TOKEN": TOKEN}
    assert run(folder, "-m", "flask", "--app", "wsgi", "migrate").returncode == 0
    refused = run(folder, "-c", SCRAPE, "wrong", **switched_on)
    assert refused.stdout.startswith("404")
    found = run(folder, "-c", SCRAPE, TOKEN, **switched_on)
    assert found.stdout.startswith("200"), found.stderr
    return found.stdout


def test_what_processes_did_is_counted(scraped: str) -> None:
    assert 'mingus_plaid_call_seconds_count{code="ok",endpoint="/transactions/sync"} 1.0' in scraped
    assert 'mingus_syncs_total{status="success"} 1.0' in scraped
    assert 'mingus_sync_rows_total{change="added"} 3.0' in scraped
    assert 'mingus_webhooks_total{verdict="verified"} 1.0' in scraped
    assert 'mingus_job_seconds_count{kind="sync",outcome="done"} 1.0' in scraped
    assert 'mingus_http_request_seconds_count{method="GET",route="/healthz",status="200"} 1.0' in scraped


def test_what_rows_say_is_asked_at_the_scrape(scraped: str) -> None:
    for name in ("mingus_nudges_waiting", "mingus_rows_waiting", "mingus_syncs_parked"):
        assert f"# TYPE {name} gauge" in scraped


def test_without_a_token_to_ask_for_metrics_are_not_switched_on(tmp_path: Path) -> None:
    refused = run(tmp_path, "-m", "mingus.worker", PLAID_METRICS_ENABLED="true")
    assert refused.returncode == 2
    assert "MINGUS_METRICS_TOKEN: is missing or short" in refused.stderr


def test_where_they_are_off_there_is_nothing(browser: Browser) -> None:
    assert browser.get("/metrics").status_code == 404
    assert browser.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_dashboard_and_alerts_ask_for_what_there_is(scraped: str) -> None:
    """Every name in the two files is one that can be scraped."""
    board = json.loads((ROOT / "deploy" / "grafana.json").read_text(encoding="utf-8"))
    rules = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    asked += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    known = {line.split()[2] for line in scraped.splitlines() if line.startswith("# TYPE mingus")}
    sources = "".join(
        (ROOT / "mingus" / name).read_text(encoding="utf-8") for name in ("metrics.py", "admin/gauges.py")
    )
    names = {
        word
        for text in asked
        for word in text.replace("(", " ").replace("{", " ").split()
        if "mingus_" in word
    }
    assert len(asked) > 15
    for name in names:
        base = name.partition("[")[0].removesuffix(")").removesuffix("_bucket").removesuffix("_count")
        base = base.removesuffix("_sum").removesuffix("_total")
        assert base in known or f'"{base}"' in sources, name


def test_the_rules_are_what_prometheus_takes() -> None:
    rules = ROOT / "deploy" / "alerts.yml"
    for group in yaml.safe_load(rules.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            assert set(rule["annotations"]) == {"summary"}, rule["alert"]
            assert set(rule["labels"]) == {"severity"}, rule["alert"]
    checker = shutil.which("promtool")
    if checker is not None:
        done = subprocess.run(
            [checker, "check", "rules", str(rules)], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


def test_a_reported_failure_tells_where_and_not_what() -> None:
    event: dict[str, Any] = {
        "level": "error",
        "request": {"url": "https://money.example/forgot/secret", "cookies": "a=b"},
        "user": {"email": "ada@mingus.test"},
        "extra": {"amount": "12.50"},
        "exception": {
            "values": [
                {
                    "type": "ValueError",
                    "value": "access-sandbox-123-abc was refused\nparameters: ('Ada',)",
                    "stacktrace": {"frames": [{"function": "run", "vars": {"name": "Ada"}}]},
                }
            ]
        },
    }
    told = json.dumps(scrubbed(event, None))
    assert "ValueError" in told
    assert "run" in told
    for secret in ("access-sandbox", "ada@", "Ada", "12.50", "money.example", "cookies"):
        assert secret not in told
