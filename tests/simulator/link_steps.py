"""Link's frame without a browser: its steps over HTTP, and what tests around it ask again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urlencode

import urllib3

from tests.simulator.link_browser import GOOD
from tests.simulator.link_browser import make_token

if TYPE_CHECKING:
    from mingus.simulator.items import Item
    from tests.simulator.judged import Running

FIRST_PLATYPUS = "ins_109508"
OAUTH_BANK = "ins_127287"
RETURN = "http://localhost:5000/callback"


class Link:
    """Link's frame without a browser."""

    def __init__(self, simulator: Running, token: str, **opening: Any) -> None:
        self.url = simulator.base_url
        self.http = urllib3.PoolManager(retries=False)
        self.events: list[str] = []
        self.step: dict[str, Any] = {}
        self.status = 0
        self._take("/link/flow", {"token": token, **opening})

    @property
    def session(self) -> str:
        return str(self.step["session"])

    @property
    def pane(self) -> str:
        return str(self.step["pane"]["name"])

    @property
    def html(self) -> str:
        return str(self.step["pane"]["html"])

    def act(self, action: str = "submit", **fields: str | list[str]) -> dict[str, Any]:
        values = {name: [value] if isinstance(value, str) else value for name, value in fields.items()}
        return self._take(f"/link/flow/{self.session}/{action}", values)

    def to_login(self, institution_id: str = FIRST_PLATYPUS) -> Link:
        self.act()
        self.act("skip")
        self.act("pick", institution=institution_id)
        return self

    def connect(self, username: str = GOOD[0], password: str = GOOD[1]) -> dict[str, Any]:
        self.to_login()
        self.act(username=username, password=password)
        self.act(account=self.account_ids())
        outcome: dict[str, Any] = self.act()["outcome"]
        return outcome

    def account_ids(self) -> list[str]:
        return [part.split('"')[0] for part in self.html.split('name="account" value="')[1:]]

    def visit_bank(self, username: str = "", *, allow: bool = True) -> str:
        """Through the bank's pages; where they send the browser in the end."""
        address = (
            self.step["outcome"]["url"]
            if self.step["outcome"]
            else self.html.split('data-bank="')[1].split('"')[0]
        )
        self._form(address, action="sign-in", username=username)
        page = self.http.request("GET", self.url + address).data.decode()
        ids = [part.split('"')[0] for part in page.split('name="account" value="')[1:]]
        return self._form(address, action="allow" if allow else "deny", account=ids)

    def _form(self, address: str, **fields: Any) -> str:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(fields, doseq=True)
        answer = self.http.request("POST", self.url + address, body=body, headers=headers, redirect=False)
        assert answer.status == 303
        return answer.headers["Location"]

    def _take(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.request("POST", self.url + path, json=body)
        self.status, self.step = answer.status, answer.json()
        self.events += [event["name"] for event in self.step["events"]]
        return self.step


def item_of(simulator: Running, public_token: str) -> Item:
    """The item of a public token, exchanged."""
    return simulator.sim.items.exchange(public_token)


def sessions(simulator: Running, token: str) -> list[dict[str, Any]]:
    """What /link/token/get tells of the sessions of a token."""
    found: list[dict[str, Any]] = simulator.ok("/link/token/get", {"link_token": token})["link_sessions"]
    return found


def broken_item(simulator: Running) -> Item:
    """An item whose login has stopped working."""
    item = item_of(simulator, Link(simulator, make_token(simulator)).connect()["public_token"])
    item.error_code = "ITEM_LOGIN_REQUIRED"
    simulator.sim.items.save(item)
    return item


def update_token(simulator: Running, item: Item, **changes: Any) -> str:
    """A link token in update mode."""
    return make_token(simulator, products=None, access_token=item.access_token, **changes)


def redirected(simulator: Running, **changes: Any) -> tuple[str, Link]:
    """A token whose Link has left for the bank by redirect, and that Link."""
    token = make_token(simulator, redirect_uri=RETURN, **changes)
    link = Link(simulator, token, oauth="redirect").to_login(OAUTH_BANK)
    link.act("oauth-open")
    return token, link
