"""Users of Plaid's own, which Link needs to connect several banks in one session."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.errors import refuse
from mingus.simulator.fields import anything
from mingus.simulator.fields import boolean
from mingus.simulator.fields import mapping
from mingus.simulator.fields import optional
from mingus.simulator.fields import text
from mingus.simulator.ids import base62
from mingus.simulator.ids import world_id

if TYPE_CHECKING:
    from mingus.simulator.fields import Fields
    from mingus.simulator.simulator import Simulator

Doc = dict[str, Any]

KIND = "link_user"
TOKEN_KIND = "link_user_token"
ID_LENGTH = 22

USER_CREATE: Fields = {
    "client_user_id": text(max_length=128),
    "identity": optional(mapping(anything())),
    "end_customer": optional(text(min_length=0, max_length=128)),
    "consumer_report_user_identity": optional(mapping(anything())),
    "with_upgraded_user": optional(boolean()),
}


def user_create(sim: Simulator, body: Doc) -> Doc:
    """The user of that client_user_id; asking again gives the same one."""
    number = int.from_bytes(world_id("user", body["client_user_id"]).encode())
    user_id = f"usr_{base62(number % 62**ID_LENGTH, ID_LENGTH)}"
    with sim.store.lock:
        known = sim.store.get(KIND, user_id)
        if known is None:
            known = {"user_id": user_id, "user_token": sim.ids.token("user")}
            sim.store.put(KIND, user_id, known)
            sim.store.put(TOKEN_KIND, known["user_token"], {"user_id": user_id})
    return known


def check_user(sim: Simulator, body: Doc) -> None:
    """Refuse a user_id or user_token that /user/create did not give."""
    if "user_id" in body and sim.store.get(KIND, body["user_id"]) is None:
        refuse("INVALID_USER_ID")
    if "user_token" in body and sim.store.get(TOKEN_KIND, body["user_token"]) is None:
        refuse("INVALID_USER_TOKEN")
