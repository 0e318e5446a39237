"""The one door to Plaid: time limits, size limits, error mapping, request ids, outgoing limits.

The SDK builds and sends requests and knows errors; answers are decoded by `wire`, a hundred times faster and
without turning money into floats. The SDK is imported at first use: it takes more than a second.
"""

from __future__ import annotations

import io
import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

import msgspec
import urllib3

from mingus import metrics
from mingus import tracing
from mingus.config import PlaidEnvironment
from mingus.db import unit_of_work
from mingus.plaid import productwire
from mingus.plaid import wire
from mingus.plaid.callbook import NEW_CALL
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.failures import answered_failure
from mingus.plaid.synced import SyncPage
from mingus.plaid.wire import UnreadableAnswer

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from mingus.ambient import Ambient
    from mingus.config import Settings
    from mingus.db import Unit
    from mingus.plaid.callbook import CallBook
    from mingus.plaid.models import ConnectionId
    from mingus.plaid.outgoing import Circuit
    from mingus.plaid.outgoing import OutgoingLimits

log = logging.getLogger(__name__)
Body = TypeVar("Body")

CONNECT_SECONDS = 5.0
READ_SECONDS = 25.0
TOTAL_SECONDS = 35.0  # looked at after each read, so a minute at the very most
MAX_ANSWER_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
PAGE_ROWS = 500  # the most Plaid gives; fewer pages meet fewer mutations


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Whom a call is about, for the log, the limits and the circuit."""

    connection_id: ConnectionId | None = None
    institution_id: str | None = None
    book: CallBook | None = None  # None: every call is recorded and asked for by itself


NOBODY = About()


class BoundedPool(urllib3.PoolManager):
    """A pool whose answers are read whole, but never longer than the deadline or larger than the limit."""

    def request(self, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:  # type: ignore[override]  # the SDK passes keywords only
        deadline = time.monotonic() + TOTAL_SECONDS
        options |= {"preload_content": False, "redirect": False, "retries": False}
        response = super().request(method, url, **options)
        try:
            body = _read(response, deadline)
        finally:
            response.release_conn()
        return urllib3.HTTPResponse(
            body=io.BytesIO(body), headers=response.headers, status=response.status, reason=response.reason
        )


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    parts, size = [], 0
    # read1 returns what has arrived, so that a server that drips bytes can't hold us beyond the deadline
    while chunk := response.read1(CHUNK_BYTES):
        size += len(chunk)
        if size > MAX_ANSWER_BYTES or time.monotonic() > deadline:
            response.close()
            raise UnreadableAnswer
        parts.append(chunk)
    return b"".join(parts)


class PlaidGateway:
    """Asks Plaid and gives typed answers; every failure is a PlaidFailure, every call leaves a row."""

    def __init__(
        self, *, settings: Settings, ambient: Ambient, outgoing: OutgoingLimits, circuit: Circuit
    ) -> None:
        self._settings = settings
        self._ambient = ambient
        self._outgoing = outgoing
        self._circuit = circuit
        self._lock = threading.Lock()
        self._api: Any = None

    # link

    def create_link_token(self, request: dict[str, Any], about: About = NOBODY) -> wire.LinkToken:
        return self._ask("/link/token/create", "link_token_create", request, wire.LinkToken, about)

    def link_sessions(self, link_token: str) -> list[wire.WireLinkSession]:
        """What became of the sessions of a link token, by Plaid's own record."""
        request = {"link_token": link_token}
        return self._ask(
            "/link/token/get", "link_token_get", request, wire.LinkTokenAnswer, NOBODY
        ).link_sessions

    def exchange(self, public_token: str) -> wire.Exchanged:
        request = {"public_token": public_token}
        return self._ask(
            "/item/public_token/exchange", "item_public_token_exchange", request, wire.Exchanged, NOBODY
        )

    # item

    def item(self, access_token: str, about: About = NOBODY) -> wire.ItemAnswer:
        return self._ask_item("/item/get", "item_get", access_token, {}, wire.ItemAnswer, about)

    def remove(self, access_token: str, about: About = NOBODY) -> None:
        """End the item at Plaid; one that is gone already counts as ended."""
        try:
            self._ask_item("/item/remove", "item_remove", access_token, {}, wire.Plain, about)
        except PlaidFailure as failure:
            if failure.error_code not in {
                "ITEM_NOT_FOUND",
                "ITEM_CONCURRENTLY_DELETED",
                "INVALID_ACCESS_TOKEN",
            }:
                raise

    def rotate(self, access_token: str, about: About = NOBODY) -> str:
        """A new access token; the old one is dead at once."""
        endpoint = "/item/access_token/invalidate"
        answer = self._ask_item(
            endpoint, "item_access_token_invalidate", access_token, {}, wire.Rotated, about
        )
        return answer.new_access_token

    def set_webhook(self, access_token: str, url: str | None, about: About = NOBODY) -> None:
        endpoint, request = "/item/webhook/update", {"webhook": url}
        self._ask_item(endpoint, "item_webhook_update", access_token, request, wire.ItemAnswer, about)

    # accounts

    def accounts(self, access_token: str, about: About = NOBODY) -> wire.AccountsAnswer:
        """What Plaid last knew; free, never asks the bank."""
        return self._ask_item("/accounts/get", "accounts_get", access_token, {}, wire.AccountsAnswer, about)

    def live_balances(self, access_token: str, about: About = NOBODY) -> wire.AccountsAnswer:
        """Asks the bank itself: slow and billed by the call."""
        endpoint = "/accounts/balance/get"
        return self._ask_item(endpoint, "accounts_balance_get", access_token, {}, wire.AccountsAnswer, about)

    # transactions

    def sync_page(self, access_token: str, cursor: str, about: About = NOBODY) -> tuple[SyncPage, bytes]:
        """One page of changes after `cursor`, and its body for the spool."""
        request: dict[str, Any] = {"count": PAGE_ROWS}
        if cursor:
            request["cursor"] = cursor
        body = self._ask_item(
            "/transactions/sync", "transactions_sync", access_token, request, msgspec.Raw, about
        )
        try:
            return wire.decode(bytes(body), SyncPage), bytes(body)
        except UnreadableAnswer as err:
            msg = "UNREADABLE_ANSWER"
            raise PlaidFailure(msg) from err

    # what goes beyond transactions

    def liabilities(self, access_token: str, about: About = NOBODY) -> productwire.LiabilitiesAnswer:
        kind = productwire.LiabilitiesAnswer
        return self._ask_item("/liabilities/get", "liabilities_get", access_token, {}, kind, about)

    def holdings(self, access_token: str, about: About = NOBODY) -> productwire.HoldingsAnswer:
        endpoint, kind = "/investments/holdings/get", productwire.HoldingsAnswer
        return self._ask_item(endpoint, "investments_holdings_get", access_token, {}, kind, about)

    def movements(
        self, access_token: str, since: dt.date, until: dt.date, offset: int, about: About = NOBODY
    ) -> productwire.MovementsAnswer:
        """A page of what happened in investment accounts between two days."""
        endpoint, kind = "/investments/transactions/get", productwire.MovementsAnswer
        days = {"start_date": since, "end_date": until}
        request = {**days, "options": {"count": PAGE_ROWS, "offset": offset}}
        return self._ask_item(endpoint, "investments_transactions_get", access_token, request, kind, about)

    def recurring(self, access_token: str, about: About = NOBODY) -> productwire.RecurringAnswer:
        endpoint, kind = "/transactions/recurring/get", productwire.RecurringAnswer
        return self._ask_item(endpoint, "transactions_recurring_get", access_token, {}, kind, about)

    # institutions

    def institution(self, institution_id: str) -> wire.WireInstitution:
        request = {
            "institution_id": institution_id,
            "country_codes": list(self._settings.country_codes),
            "options": {"include_optional_metadata": True},
        }
        kind = wire.InstitutionAnswer
        return self._ask(
            "/institutions/get_by_id", "institutions_get_by_id", request, kind, NOBODY
        ).institution

    def search_institutions(self, query: str) -> list[wire.WireInstitution]:
        request = {
            "query": query,
            "products": ["transactions"],
            "country_codes": list(self._settings.country_codes),
            "options": {"include_optional_metadata": True},
        }
        return self._ask(
            "/institutions/search", "institutions_search", request, wire.InstitutionsAnswer, NOBODY
        ).institutions

    # webhooks

    def webhook_key(self, key_id: str) -> wire.WireKey:
        """The key that verifies webhooks which name it."""
        endpoint = "/webhook_verification_key/get"
        request = {"key_id": key_id}
        return self._ask(endpoint, "webhook_verification_key_get", request, wire.KeyAnswer, NOBODY).key

    # how

    def _ask_item(
        self, endpoint: str, method: str, token: str, request: dict[str, Any], kind: type[Body], about: About
    ) -> Body:
        if token.split("-")[1:2] != [token_environment(self._settings.environment)]:
            msg = "TOKEN_OF_ANOTHER_ENVIRONMENT"
            raise PlaidFailure(msg)
        return self._ask(endpoint, method, {"access_token": token, **request}, kind, about)

    def _ask(
        self, endpoint: str, method: str, request: dict[str, Any], kind: type[Body], about: About
    ) -> Body:
        self._admit(endpoint, about)
        call = _Call(endpoint=endpoint, about=about, started=time.monotonic())
        with tracing.span(f"plaid {endpoint}", side="CLIENT", endpoint=endpoint):
            try:
                with _failures_mapped(call):
                    response = getattr(self._client(), method)(
                        request, _preload_content=False, _request_timeout=(CONNECT_SECONDS, READ_SECONDS)
                    )
                    call.status = response.status
                    answer = wire.decode(response.data, kind)
                    call.request_id = wire.request_id_of(answer)
            except PlaidFailure as failure:
                self._circuit.note(about.institution_id, failure)
                raise
            else:
                if about.book is None or about.book.bank_failures:
                    self._circuit.note(about.institution_id, None)
                return answer
            finally:
                self._record(call)

    def close_book(self, unit: Unit, about: About) -> None:
        """Write what the book holds in the caller's unit and give back the tokens of calls that were not made."""
        book = about.book
        if book is None:
            return
        if book.records:
            unit.session.connection().execute(NEW_CALL, book.records)
            book.records = []
        for endpoint, calls in book.tokens.items():
            if calls:
                self._outgoing.give_back(unit, endpoint, item=about.connection_id, calls=calls)
        book.tokens.clear()

    def _admit(self, endpoint: str, about: About) -> None:
        """Hold the call back, or let it through: raises PlaidFailure BANK_RESTS or CALLS_HELD_BACK."""
        book = about.book
        if book is None:
            self._circuit.check(about.institution_id)
            self._outgoing.take(endpoint, item=about.connection_id)
            return
        book.check_bank(self._ambient.now())
        if book.spend(endpoint):
            return
        calls = book.wanted(endpoint)
        try:
            self._outgoing.take(endpoint, item=about.connection_id, calls=calls)
        except PlaidFailure:
            if calls == 1:
                raise
            calls = 1
            self._outgoing.take(endpoint, item=about.connection_id)
        book.tokens[endpoint] = calls - 1

    def _client(self) -> Any:
        with self._lock:
            if self._api is None:
                self._api = self._open_client()
            return self._api

    def _open_client(self) -> Any:
        import plaid
        from plaid.api import plaid_api

        # always the host: the SDK's own default is Plaid's production
        configuration = plaid.Configuration(
            host=self._settings.plaid_host,
            api_key={"clientId": self._settings.plaid_client_id, "secret": self._settings.plaid_secret},
        )
        client = plaid.ApiClient(configuration)
        client.rest_client.pool_manager = BoundedPool(num_pools=4, maxsize=16)
        return plaid_api.PlaidApi(client)

    def _record(self, call: _Call) -> None:
        milliseconds = int((time.monotonic() - call.started) * 1000)
        row = {
            "id": self._ambient.new_id("call"),
            "at": self._ambient.now(),
            "endpoint": call.endpoint,
            "about_id": call.about.connection_id,
            "request_id": call.request_id,
            "status": call.status,
            "milliseconds": milliseconds,
            "error_type": call.error_type,
            "error_code": call.error_code,
        }
        if call.about.book is not None:
            call.about.book.records.append(row)
        else:
            with unit_of_work() as unit:
                unit.session.connection().execute(NEW_CALL, row)
        tracing.tell(plaid_request_id=call.request_id, error_code=call.error_code)
        metrics.call_done(endpoint=call.endpoint, code=call.error_code, seconds=milliseconds / 1000)
        fields = {
            "endpoint": call.endpoint,
            "plaid_request_id": call.request_id,
            "milliseconds": milliseconds,
        }
        log.info("plaid call", extra={**fields, "status": call.status, "error_code": call.error_code})


@dataclass(slots=True, kw_only=True)
class _Call:
    """What is known about a call while it lasts."""

    endpoint: str
    about: About
    started: float
    status: int | None = None
    request_id: str | None = None
    error_type: str | None = None
    error_code: str | None = None


@contextmanager
def _failures_mapped(call: _Call) -> Iterator[None]:
    """Every way a call can fail becomes a PlaidFailure; the SDK has four of its own."""
    import plaid

    try:
        yield
    except plaid.ApiException as err:
        call.status = err.status
        failure = answered_failure(err.status, err.body)
    except UnreadableAnswer:
        failure = PlaidFailure("UNREADABLE_ANSWER", status=call.status)
    except (urllib3.exceptions.HTTPError, OSError):
        failure = PlaidFailure("NO_ANSWER")
    except plaid.OpenApiException:
        failure = PlaidFailure(
            "INVALID_FIELD", error_type="INVALID_REQUEST"
        )  # refused by the SDK before sending
    else:
        return
    call.error_code, call.error_type, call.request_id = (
        failure.error_code,
        failure.error_type,
        failure.request_id,
    )
    raise failure


def token_environment(environment: PlaidEnvironment) -> str:
    """The word in the middle of this environment's tokens."""
    local = {PlaidEnvironment.SIMULATOR, PlaidEnvironment.SANDBOX}
    return "sandbox" if environment in local else "production"
