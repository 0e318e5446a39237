"""A Plaid that does nothing but answer, as fast as a program can: pages of 500 realistic transactions, made on the fly.

Every way of syncing is measured against the same one, so that what is compared is the client. What the next update
holds is told by `POST /stub/next`.
"""

from __future__ import annotations

import json
import sys
import uuid
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import Any

PAGE = 500
DAYS = 720
ACCOUNTS = [
    {
        "account_id": f"acc-{number}-{'x' * 25}",
        "balances": {"available": 100.5, "current": 110.25, "limit": None, "iso_currency_code": "USD"},
        "mask": f"{number:04}",
        "name": f"Checking {number}",
        "official_name": "Everyday Checking",
        "type": "depository",
        "subtype": "checking",
    }
    for number in range(4)
]
SHOPS = (
    ("Uber", "uber.com", "TRANSPORTATION", "TRANSPORTATION_TAXIS_AND_RIDE_SHARES", "Taxis and ride shares"),
    ("Whole Foods", "wholefoodsmarket.com", "FOOD_AND_DRINK", "FOOD_AND_DRINK_GROCERIES", "Groceries"),
    ("Starbucks", "starbucks.com", "FOOD_AND_DRINK", "FOOD_AND_DRINK_COFFEE", "Coffee"),
    ("United Airlines", "united.com", "TRAVEL", "TRAVEL_FLIGHTS", "Flights"),
    ("Comcast", "xfinity.com", "RENT_AND_UTILITIES", "RENT_AND_UTILITIES_INTERNET_AND_CABLE", "Internet"),
)
TRANSACTION = (
    '{"account_id":"%(account)s","account_owner":null,"amount":%(amount)s,"authorized_date":"%(date)s",'
    '"authorized_datetime":null,"category":null,"category_id":null,"check_number":null,"counterparties":[{'
    '"confidence_level":"VERY_HIGH","entity_id":"eyg8o776k0QmNgVpAmaQj4WgzW9Qzo6O51gdd","logo_url":'
    '"https://plaid-merchant-logos.example/%(site)s_1060.png","name":"%(shop)s","phone_number":null,"type":"merchant",'
    '"website":"%(site)s"}],"date":"%(date)s","datetime":null,"iso_currency_code":"USD","location":{"address":null,'
    '"city":null,"country":null,"lat":null,"lon":null,"postal_code":null,"region":null,"store_number":null},"logo_url":'
    '"https://plaid-merchant-logos.example/%(site)s_1060.png","merchant_entity_id":'
    '"eyg8o776k0QmNgVpAmaQj4WgzW9Qzo6O51gdd","merchant_name":"%(shop)s","name":"%(shop)s 072515 SF**POOL** %(number)d",'
    '"payment_channel":"online","payment_meta":{"by_order_of":null,"payee":null,"payer":null,"payment_method":null,'
    '"payment_processor":null,"ppd_id":null,"reason":null,"reference_number":null},"pending":false,'
    '"pending_transaction_id":null,"personal_finance_category":{"confidence_level":"VERY_HIGH","detailed":"%(fine)s",'
    '"primary":"%(coarse)s","version":"v2"},"personal_finance_category_icon_url":'
    '"https://plaid-category-icons.example/PFC_%(coarse)s.png","transaction_code":null,'
    '"transaction_id":"%(id)s","transaction_type":"special","unofficial_currency_code":null,"website":"%(site)s"}'
)


class State:
    """What the updates are."""

    rows = 0  # in the next update
    changed = 0  # how many of them come as modified ones with another amount
    salt = ""  # makes ids of their own
    update = 0
    day = ("2025-01-01",) * DAYS
    calls = 0


def days() -> tuple[str, ...]:
    import datetime as dt

    today = dt.datetime.now(dt.UTC).date()
    return tuple((today - dt.timedelta(days=number)).isoformat() for number in range(DAYS))


def transaction(number: int, *, changed: bool) -> str:
    """One transaction, always the same for its number."""
    shop, site, coarse, fine, _ = SHOPS[number % len(SHOPS)]
    cents = (number * 7919) % 49_900 + 100 + changed
    return TRANSACTION % {
        "account": ACCOUNTS[number % len(ACCOUNTS)]["account_id"],
        "amount": f"{cents // 100}.{cents % 100:02}",
        "date": State.day[(number * 31) % DAYS],
        "site": site,
        "shop": shop,
        "number": number,
        "fine": fine,
        "coarse": coarse,
        "id": f"txn{State.salt}{number:024x}",
    }


def sync(request: dict[str, Any]) -> bytes:
    """The page after a cursor `update-row`; an update that is over is followed by the next one."""
    cursor = str(request.get("cursor", ""))
    update, _, row = cursor.partition("-")
    start = int(row) if update == str(State.update) else 0
    done = update == str(State.update) and start >= State.rows
    end = start if done else min(start + min(int(request.get("count", 100)), PAGE), State.rows)
    plain = [transaction(number, changed=False) for number in range(max(start, State.changed), end)]
    other = [transaction(number, changed=True) for number in range(start, min(end, State.changed))]
    more = "true" if end < State.rows else "false"
    return (
        f'{{"transactions_update_status":"HISTORICAL_UPDATE_COMPLETE","accounts":[],"added":[{",".join(plain)}],'
        f'"modified":[{",".join(other)}],"removed":[],"next_cursor":"{State.update}-{end}","has_more":{more},'
        f'"request_id":"r{State.calls:014}"}}'
    ).encode()


def answer(path: str, request: dict[str, Any]) -> bytes:
    if path == "/stub/calls":
        return json.dumps({"calls": State.calls}).encode()
    if path != "/stub/next":
        State.calls += 1
    if path == "/transactions/sync":
        return sync(request)
    if path == "/stub/next":
        State.rows, State.changed = int(request["rows"]), int(request.get("changed", 0))
        State.salt = str(request.get("salt", State.salt))
        State.update += 1
        return b"{}"
    found: dict[str, Any] = {"request_id": "r-stub"}
    item = {"item_id": State.salt or "item", "institution_id": None, "webhook": None, "error": None}
    products = {"products": ["transactions"], "billed_products": ["transactions"], "consented_products": []}
    if path == "/link/token/create":
        found |= {"link_token": f"link-sandbox-{uuid.uuid4()}", "expiration": "2099-01-01T00:00:00Z"}
    elif path == "/item/public_token/exchange":
        found |= {"access_token": f"access-sandbox-{uuid.uuid4()}", "item_id": f"item-{uuid.uuid4()}"}
    elif path == "/item/get":
        found |= {"item": item | products, "status": None}
    elif path == "/accounts/get":
        found |= {"item": item | products, "accounts": ACCOUNTS}
    return json.dumps(found).encode()


class Handler(BaseHTTPRequestHandler):
    """Kept-alive answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        found = answer(self.path, json.loads(body or b"{}"))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(found)))
        self.end_headers()
        self.wfile.write(found)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Silent."""


def main() -> None:
    State.day = days()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"listening on 127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
