"""A simulator whose every answer and webhook is held against Plaid's API file."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

import urllib3

from mingus.simulator import testing
from mingus.simulator.config import Config
from mingus.simulator.server import Server
from mingus.simulator.simulator import Simulator
from mingus.simulator.wsgi import Application
from tests.simulator import apifile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.wrappers import Request
    from werkzeug.wrappers import Response

NOON = "frozen:2026-05-04T12:00:00Z"
BANK = "ins_109508"
HEADERS = {"Content-Type": "application/json", "PLAID-CLIENT-ID": "simulator", "PLAID-SECRET": "simulator"}

pool = urllib3.PoolManager(retries=False)


class Judged(Application):
    """The simulator's application, whose answers are held against the API file."""

    def __init__(self, sim: Simulator) -> None:
        super().__init__(sim)
        self.problems: list[str] = []
        send = sim.webhooks.send

        def judged_send(url: str, payload: dict[str, Any], item_id: str | None = None) -> None:
            self.problems += apifile.webhook_problems(payload) if apifile.path() else []
            send(url, payload, item_id)

        # Every webhook passes here.
        sim.webhooks.send = judged_send  # type: ignore[method-assign]

    def respond(self, request: Request) -> Response:
        """The answer, judged on its way out unless a fault was ordered."""
        response = super().respond(request)
        plain = response.mimetype == "application/json" and "X-Simulator-Fault" not in response.headers
        if plain and request.path in self._endpoints and request.method == "POST" and apifile.path():
            body = json.loads(response.get_data())
            self.problems += apifile.answer_problems(request.path, response.status_code, body)
        return response


class Running(testing.Running):
    """A running simulator, with short ways to what tests do all the time."""

    def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """Status and answer of a raw call with good credentials; a str or bytes body is sent as it is."""
        data = body if isinstance(body, str | bytes) else json.dumps(body or {})
        response = pool.request(
            "POST", self.base_url + path, body=data, headers={**HEADERS, **headers}, timeout=20
        )
        return response.status, json.loads(response.data) if response.data else {}

    def get(self, path: str) -> dict[str, Any]:
        """The answer of a control call that reads."""
        response = pool.request("GET", self.base_url + path, timeout=60)
        assert response.status == 200, response.data
        doc: dict[str, Any] = json.loads(response.data)
        return doc

    def ok(self, path: str, body: Any = None) -> dict[str, Any]:
        """The answer of a call that must succeed."""
        status, answer = self.post(path, body)
        assert status == 200, answer
        return answer

    def error(self, path: str, body: Any = None, **headers: str) -> str:
        """The error code of a call that must fail."""
        status, answer = self.post(path, body, **headers)
        assert status != 200, answer
        return str(answer["error_code"])

    def link(
        self, username: str = "user_good", *, import_all: bool = True, bank: str = BANK, **more: Any
    ) -> str:
        """The access token of a new item; by default with all its history there."""
        products = more.pop("products", ["transactions"])
        options = {"override_username": username, "transactions": {"days_requested": 730}, **more}
        body = {"institution_id": bank, "initial_products": products, "options": options}
        public_token = self.ok("/sandbox/public_token/create", body)["public_token"]
        token = str(self.ok("/item/public_token/exchange", {"public_token": public_token})["access_token"])
        if import_all and "transactions" in products:
            self.sim.updates.finish_import(self.sim.items.by_access_token(token))
        return token

    def do(self, token: str, action: str, **arguments: Any) -> dict[str, Any]:
        """Make something happen to the item through the control API."""
        item_id = self.sim.items.by_access_token(token).item_id
        return self.ok(f"/control/items/{item_id}/do/{action}", arguments)

    def read_all(self, token: str, cursor: str = "", count: int = 500) -> tuple[list[dict[str, Any]], str]:
        """All pages of an update and the cursor at its end."""
        pages: list[dict[str, Any]] = []
        while True:
            page = self.ok("/transactions/sync", {"access_token": token, "cursor": cursor, "count": count})
            pages.append(page)
            cursor = page["next_cursor"]
            if not page["has_more"]:
                return pages, cursor

    def travel(self, seconds: float) -> None:
        """Move the clock."""
        self.ok("/control/clock", {"advance_seconds": seconds})


@contextlib.contextmanager
def judged(config: Config | None = None) -> Iterator[Running]:
    """A served simulator; fails at its end when an answer or a webhook was not as the API file says."""
    chosen = replace(config or Config(), port=0)
    sim = Simulator(chosen)
    sim.start()
    app = Judged(sim)
    server = Server(app, chosen)
    thread = server.run_in_thread()
    try:
        yield Running(base_url=server.url, sim=sim)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
        sim.close()
    assert not app.problems, "\n".join(app.problems[:20])
