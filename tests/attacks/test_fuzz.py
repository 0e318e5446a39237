"""Random requests over forms, filters and API bodies: never a failure of ours. `make fuzz N=10000` sends as many."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
from typing import TYPE_CHECKING
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance
from schemathesis.specs.openapi.checks import response_schema_conformance
from schemathesis.specs.openapi.checks import status_code_conformance

from mingus.auth.models import TokenScope
from mingus.db import db
from mingus.services import services
from tests import factories
from tests.attacks import world
from tests.support.routes import address
from tests.support.routes import walk

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running

TIMES = int(os.environ.get("FUZZ", "120"))
SEED = int(os.environ.get("FUZZ_SEED", "7"))
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
LEFT_OUT = {"auth.logout", "leaving.leave", "auth.login"}  # they end the walk
WORDS: list[Any] = [
    "",
    " ",
    "x",
    "0",
    "-1",
    "1e400",
    "NaN",
    "9" * 30,
    "2026-02-30",
    "2026-05-04",
    "9999-12-31",
    "null",
    "true",
    "\x00",
    "\U0001f600",
    "\u202e",
    "é" * 300,
    "%s%n",
    "' OR 1=1 --",
    "<b>",
    "{{1}}",
    "../..",
    "usr_x",
    "a,b,,c",
    "12.345",
    "1,5",
    "category",
    "FOOD_AND_DRINK",
    "asc",
    "-date",
    "30d",
    "12m",
    "USD",
    "XXX",
]
VALUES: list[Any] = [*WORDS, "\ud83d", None, True, 0, -1, 2**63, 1.5, [], {}, [None], {"a": [1]}, ["x"] * 50]


def field_names(app: Flask) -> list[str]:
    """Whatever forms, filters and bodies are known to ask for."""
    names = {
        "q",
        "account",
        "category",
        "from",
        "to",
        "min",
        "max",
        "direction",
        "pending",
        "tag",
        "sort",
        "after",
        "period",
        "state",
        "name",
        "email",
        "password",
        "current",
        "code",
        "public_token",
        "link_id",
        "metadata",
        "details",
        "start_date",
        "end_date",
        "limit",
        "offset",
        "search",
        "min_amount",
        "account_id",
        "note",
        "tags",
        "ids",
        "action",
        "text",
        "currency",
        "kind",
        "on",
        "amount",
        "file",
        "history",
        "hours",
        "credential",
    }
    return sorted(names)


def test_random_requests_meet_no_failure_of_ours(app: Flask, plaid: Running, jobs: InlineJobs) -> None:
    here = world.make_world(app, plaid, jobs, filled=False)
    dice = random.Random(SEED)
    names = field_names(app)
    routes = [
        (rule, method)
        for rule, method in walk(app)
        if rule.endpoint not in LEFT_OUT and not rule.rule.startswith("/static")
    ]
    browser = factories.sign_in(app, here.ada)
    for number in range(TIMES):
        rule, method = dice.choice(routes)
        ids = {name: dice.choice([here.ids.get(name, "x"), "x", "é", "0"]) for name in rule.arguments}
        url = address(app, rule, ids)
        chosen = dice.sample(names, dice.randint(0, 6))
        headers = {"X-CSRFToken": browser.csrf_token()}
        sent: dict[str, Any] = {"query_string": {name: dice.choice(WORDS) for name in chosen[:3]}}
        if method != "GET":
            body = {name: dice.choice(VALUES) for name in chosen}
            kind = dice.choice(["form", "json", "array", "broken", "none"])
            if kind == "form":
                sent["data"] = {name: str(dice.choice(WORDS)) for name in chosen}
            elif kind != "none":
                said = {"json": json.dumps(body), "array": json.dumps([body]), "broken": '{"a": '}[kind]
                sent |= {"data": said, "content_type": "application/json"}
        answer = browser.open(url, method=method, headers=headers, **sent)
        told = f"{number}: {method} {rule.rule} {sent} gave {answer.status_code}"
        # 502 and 503 are what Plaid's refusals become
        assert answer.status_code < 500 or answer.status_code in {502, 503}, told
        assert b"Traceback" not in answer.get_data(), told
        if browser.get("/settings/history").status_code != 200:
            browser = factories.sign_in(app, here.ada)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
def test_the_api_answers_as_its_document_says(
    app: Flask, plaid: Running, jobs: InlineJobs, mode: GenerationMode
) -> None:
    """Bodies, filters and ids made from the document, and made to break it; half of the ids are really there."""
    here = world.make_world(app, plaid, jobs, filled=False)
    with app.app_context():
        token = services().api_tokens.make(
            here.ada, name="fuzz", scope=TokenScope.WRITE, lifetime=dt.timedelta(days=365)
        )
    carried = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    document = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    operations = [found.ok() for found in document.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == len(list(document.get_all_operations()))
    operations.sort(key=lambda one: one.method.upper() == "DELETE")  # what takes rows away comes last
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
            continue  # nothing that could be wrong

        @hypothesis.seed(SEED)
        @hypothesis.settings(
            max_examples=max(2, TIMES // (2 * len(operations))),
            database=None,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode), there=strategies.booleans())
        def ask(case: schemathesis.Case[Any], there: bool) -> None:
            if there:
                case.path_parameters |= {
                    name: here.ids[name] for name in case.path_parameters if name in here.ids
                }
            answer = case.call(headers=carried)
            services().ambient.advance(seconds=61)  # type: ignore[attr-defined]  # the frozen one: limits fill again
            # 502 and 503 are what Plaid's refusals become
            assert answer.status_code < 500 or answer.status_code in {502, 503}, answer.text
            case.validate_response(answer, checks=CHECKS)

        with app.app_context():
            ask()
            db.session.rollback()
