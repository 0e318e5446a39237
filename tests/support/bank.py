"""What happens at the simulated Plaid, from outside: the same HTTP that anybody has."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import urllib3

if TYPE_CHECKING:
    from typing import Protocol

    class AtPlaid(Protocol):
        """Anything that knows the simulator's address."""

        @property
        def base_url(self) -> str: ...


FIRST_PLATYPUS = "ins_109508"
CREDENTIALS = {"client_id": "simulator", "secret": "simulator"}


def tell_plaid(plaid: AtPlaid, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Make something happen through the control API."""
    return _send(plaid, path, body)


def ask_plaid(plaid: AtPlaid, endpoint: str, **body: Any) -> dict[str, Any]:
    """Call Plaid's API with the right keys."""
    return _send(plaid, endpoint, {**CREDENTIALS, **body})


def public_token(plaid: AtPlaid, institution_id: str = FIRST_PLATYPUS, **options: Any) -> str:
    """A finished Link, without a browser."""
    answer = ask_plaid(
        plaid,
        "/sandbox/public_token/create",
        institution_id=institution_id,
        initial_products=["transactions"],
        options=options,
    )
    return str(answer["public_token"])


def items_at(plaid: AtPlaid) -> list[str]:
    """The ids of the items that live at Plaid."""
    answer = urllib3.request("GET", f"{plaid.base_url}/control/items").json()
    return [item["item_id"] for item in answer["items"]]


def break_calls(plaid: AtPlaid, kind: str, endpoint: str = "*", **more: Any) -> None:
    """Make calls fail in one of the simulator's ways."""
    tell_plaid(plaid, "/control/faults", {"kind": kind, "endpoint": endpoint, **more})


def mend_calls(plaid: AtPlaid) -> None:
    urllib3.request("DELETE", f"{plaid.base_url}/control/faults")


def _send(plaid: AtPlaid, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = urllib3.request("POST", f"{plaid.base_url}{path}", json=body, timeout=30)
    found: dict[str, Any] = answer.json()
    assert answer.status < 400, found
    return found
