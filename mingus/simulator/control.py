"""The control API: what watches and moves the simulator, for tests, the console and curl."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from typing import Any

import msgspec
from werkzeug.wrappers import Request
from werkzeug.wrappers import Response

from mingus.simulator import actions
from mingus.simulator import scenes
from mingus.simulator.clock import iso
from mingus.simulator.clock import parse_instant
from mingus.simulator.errors import refuse
from mingus.simulator.faults import KINDS
from mingus.simulator.fields import check
from mingus.simulator.fields import choice
from mingus.simulator.fields import number
from mingus.simulator.fields import optional
from mingus.simulator.fields import text
from mingus.simulator.institutions import STATUSES
from mingus.simulator.signing import SIGNATURES
from mingus.simulator.web import Route
from mingus.simulator.web import json_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mingus.simulator.fields import Fields
    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

Doc = dict[str, Any]

LISTED = 100
LONGEST_LIST = 2000


def state(sim: Simulator, _: Request) -> Response:
    """The whole in a few figures."""
    return json_response(
        {
            "clock": {"now": iso(sim.clock.now()), "rate": sim.clock.rate},
            "config": {
                "client_id": sim.config.client_id,
                "rate_limits": sim.limits.enabled,
                "seed": sim.config.seed,
                "state": str(sim.config.state) if sim.config.state else None,
            },
            "faults": len(sim.faults.all()),
            "items": len(sim.items.all()),
            "keys": sim.keys.all(),
            "public_url": sim.public_url,
            "scenario": sim.scenes.name,
            "webhooks": {"idle": sim.webhooks.idle(), "manners": msgspec.to_builtins(sim.webhooks.manners)},
        }
    )


def items(sim: Simulator, _: Request) -> Response:
    """Every live item, newest last."""
    return json_response({"items": [_item(sim, item) for item in sim.items.all()]})


def item(sim: Simulator, _: Request, item_id: str) -> Response:
    """One item with its accounts and newest transactions."""
    found = sim.items.by_id(item_id)
    doc = _item(sim, found) | {"candidate_accounts": sim.items.candidate_accounts(found)}
    with sim.store.lock:
        ready = sim.updates.progress(found) is not None
        doc["pending"] = sim.updates.book(found).pending() if ready else []
        doc["log_length"] = sim.updates.book(found).head if ready else 0
    return json_response(doc)


def truth(sim: Simulator, _: Request, item_id: str) -> Response:
    """What a client that missed nothing would have now, streamed: accounts and live transactions."""
    found = sim.items.by_id(item_id)
    return Response(_truth(sim, found), content_type="application/json", direct_passthrough=True)


def act(sim: Simulator, request: Request, item_id: str, action: str) -> Response:
    """Make an action happen to the item."""
    return json_response(actions.perform(sim, sim.items.by_id(item_id), action, _body(request)))


def list_actions(_: Simulator, __: Request) -> Response:
    """Every action with its arguments."""
    rows = [
        {"name": name, "summary": action.summary, "arguments": sorted(action.fields)}
        for name, action in actions.ACTIONS.items()
    ]
    return json_response({"actions": rows, "fault_kinds": KINDS, "signatures": SIGNATURES})


def calls(sim: Simulator, request: Request) -> Response:
    """Recent calls of the API, oldest first."""
    after, limit = _range(request)
    return json_response(
        {"calls": [msgspec.to_builtins(c) for c in sim.log.recent(after=after, limit=limit)]}
    )


def deliveries(sim: Simulator, request: Request) -> Response:
    """Recent webhooks, oldest first."""
    after, limit = _range(request)
    rows = sim.webhooks.recent(after=after, limit=limit, item_id=request.args.get("item_id"))
    return json_response({"deliveries": [msgspec.to_builtins(row) for row in rows]})


def resend(sim: Simulator, _: Request, number: int) -> Response:
    """Deliver an old webhook once more."""
    if not sim.webhooks.resend(number):
        refuse("NOT_FOUND", "there is no such delivery")
    return json_response({})


def manners(sim: Simulator, request: Request) -> Response:
    """Change how webhooks misbehave."""
    try:
        changed = sim.webhooks.behave(**check(_body(request), actions.MANNERS_FIELDS))
    except ValueError as error:
        refuse("INVALID_FIELD", str(error))
    return json_response(msgspec.to_builtins(changed))


def clock(sim: Simulator, request: Request) -> Response:
    """Move the clock (everything due on the way happens), set it, or change its pace."""
    body = check(_body(request), _CLOCK)
    if "set" in body:
        try:
            sim.scheduler.travel(parse_instant(body["set"]))
        except ValueError:
            refuse("INVALID_FIELD", "set must be an ISO date-time")
    if "advance_seconds" in body:
        try:
            sim.scheduler.travel(sim.clock.now() + timedelta(seconds=body["advance_seconds"]))
        except OverflowError:
            refuse("INVALID_FIELD", "advance_seconds is too large")
    if "rate" in body:
        if not 0 <= body["rate"] <= 1_000_000:
            refuse("INVALID_FIELD", "rate must be between 0 and 1000000")
        sim.clock.run(float(body["rate"]))
    return json_response({"now": iso(sim.clock.now()), "rate": sim.clock.rate})


def institutions(sim: Simulator, request: Request) -> Response:
    """Banks by name, with their health."""
    query = request.args.get("query", "")
    rows = sim.institutions.search(query, country_codes=("US", "CA", "GB"), limit=LISTED)
    keys = ("institution_id", "name", "status", "oauth")
    return json_response({"institutions": [{key: getattr(row, key) for key in keys} for row in rows]})


def set_institution(sim: Simulator, request: Request, institution_id: str) -> Response:
    """A bank is well, slow, down or gone."""
    body = check(_body(request), {"status": choice(*STATUSES)})
    row = sim.institutions.set_status(institution_id, body["status"])
    return json_response({"institution_id": row.institution_id, "status": row.status})


def list_faults(sim: Simulator, _: Request) -> Response:
    """The faults in force."""
    return json_response({"faults": [msgspec.to_builtins(fault) for fault in sim.faults.all()]})


def add_fault(sim: Simulator, request: Request) -> Response:
    """Spoil answers from now on."""
    try:
        fault = sim.faults.add(**check(_body(request), actions.FAULT_FIELDS))
    except ValueError as error:
        refuse("INVALID_FIELD", str(error))
    return json_response(msgspec.to_builtins(fault))


def clear_faults(sim: Simulator, _: Request) -> Response:
    """No more faults."""
    sim.faults.clear()
    return json_response({})


def remove_fault(sim: Simulator, _: Request, number: int) -> Response:
    """One fault less."""
    if not sim.faults.remove(number):
        refuse("NOT_FOUND", "there is no such fault")
    return json_response({})


def rotate(sim: Simulator, _: Request) -> Response:
    """Sign with a new key."""
    return json_response({"kid": sim.keys.rotate()})


def expire(sim: Simulator, _: Request, kid: str) -> Response:
    """A key has expired."""
    sim.keys.expire(kid)
    return json_response({"kid": kid})


def list_scenarios(sim: Simulator, _: Request) -> Response:
    """Every story, and the one in force."""
    rows = [scenes.scenario(name) for name in scenes.names()]
    keys = ("name", "title", "about", "username", "password")
    return json_response(
        {"current": sim.scenes.name, "scenarios": [{key: getattr(row, key) for key in keys} for row in rows]}
    )


def load_scenario(sim: Simulator, request: Request, name: str) -> Response:
    """Tell the story to new items, or with item_id to that item."""
    body = check(_body(request), {"item_id": optional(text())})
    try:
        story = scenes.scenario(name)
    except scenes.ScenarioRefused as refusal:
        refuse("NOT_FOUND", str(refusal))
    if "item_id" in body:
        sim.scenes.tell(sim.items.by_id(body["item_id"]), story)
    else:
        sim.scenes.load(name)
    return json_response({"name": name, "title": story.title})


def take_scenario(sim: Simulator, request: Request) -> Response:
    """Take a story from elsewhere, a TOML text, and tell it to new items, or with item_id to that item."""
    body = check(_body(request), {"text": text(), "item_id": optional(text())})
    try:
        story = sim.scenes.take(body["text"])
    except scenes.ScenarioRefused as refusal:
        refuse("INVALID_FIELD", str(refusal))
    if "item_id" in body:
        sim.scenes.tell(sim.items.by_id(body["item_id"]), story)
    else:
        sim.scenes.load(story.name)
    return json_response({"name": story.name, "title": story.title})


def end_scenario(sim: Simulator, _: Request) -> Response:
    """No story any more."""
    sim.scenes.clear()
    return json_response({})


def limits(sim: Simulator, request: Request) -> Response:
    """Rate limits on or off."""
    body = check(_body(request), {"enabled": choice("on", "off")})
    sim.limits.enabled = body["enabled"] == "on"
    sim.limits.clear()
    return json_response(body)


def reset(sim: Simulator, _: Request) -> Response:
    """Begin anew: no items, calls, deliveries, faults or story."""
    sim.reset()
    return json_response({})


def _item(sim: Simulator, found: Item) -> Doc:
    institution = sim.institutions.get(found.institution_id)
    return {
        "accounts": [account.shape() for account in found.visible_accounts()],
        "created_at": iso(found.created_at),
        "error_code": found.error_code,
        "institution_id": found.institution_id,
        "institution_name": institution.name,
        "institution_status": institution.status,
        "item_id": found.item_id,
        "products": found.products,
        "removed": found.removed,
        "revoked": found.revoked,
        "transactions_update_status": sim.updates.phase(found),
        "username": found.username,
        "webhook": found.webhook,
    }


def _truth(sim: Simulator, found: Item) -> Iterator[bytes]:
    head = {"accounts": [account.shape() for account in found.visible_accounts()], "item_id": found.item_id}
    yield msgspec.json.encode({**head, "transactions_update_status": sim.updates.phase(found)})[:-1]
    yield b',"transactions":['
    separator = b""
    if sim.updates.progress(found) is not None:
        for doc in sim.updates.book(found).live():
            yield separator + msgspec.json.encode(doc)
            separator = b","
    yield b"]}"


def _body(request: Request) -> Doc:
    data = request.get_data()
    if not data:
        return {}
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        refuse("INVALID_BODY")
    if not isinstance(body, dict):
        refuse("INVALID_BODY")
    return body


def _range(request: Request) -> tuple[int, int]:
    try:
        after, limit = int(request.args.get("after", 0)), int(request.args.get("limit", LISTED))
    except ValueError:
        refuse("INVALID_FIELD", "after and limit must be numbers")
    return after, min(max(limit, 1), LONGEST_LIST)


_CLOCK: Fields = {
    "advance_seconds": optional(number()),
    "set": optional(text()),
    "rate": optional(number()),
}

ROUTES: tuple[Route, ...] = tuple(
    Route(
        method=method,
        path=f"/control/{path}",
        handler=handler,
        summary=str(handler.__doc__).partition("\n")[0],
    )
    for method, path, handler in (
        ("GET", "state", state),
        ("GET", "actions", list_actions),
        ("GET", "items", items),
        ("GET", "items/<item_id>", item),
        ("GET", "items/<item_id>/truth", truth),
        ("POST", "items/<item_id>/do/<action>", act),
        ("GET", "calls", calls),
        ("GET", "deliveries", deliveries),
        ("POST", "deliveries/<int:number>/resend", resend),
        ("POST", "webhooks", manners),
        ("POST", "clock", clock),
        ("GET", "institutions", institutions),
        ("POST", "institutions/<institution_id>", set_institution),
        ("GET", "faults", list_faults),
        ("POST", "faults", add_fault),
        ("DELETE", "faults", clear_faults),
        ("DELETE", "faults/<int:number>", remove_fault),
        ("POST", "keys/rotate", rotate),
        ("POST", "keys/<kid>/expire", expire),
        ("GET", "scenarios", list_scenarios),
        ("POST", "scenarios", take_scenario),
        ("POST", "scenarios/<name>", load_scenario),
        ("DELETE", "scenarios", end_scenario),
        ("POST", "limits", limits),
        ("POST", "reset", reset),
    )
)
