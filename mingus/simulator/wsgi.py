"""The HTTP face: Plaid's API with its strictness, the pages of Link and console, the control API."""

from __future__ import annotations

import importlib
import importlib.util
import time
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urlsplit

import msgspec
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.routing import Rule
from werkzeug.wrappers import Request
from werkzeug.wrappers import Response

from mingus.simulator import cursors
from mingus.simulator import spoil
from mingus.simulator.calls import Call
from mingus.simulator.config import LOOPBACK
from mingus.simulator.config import PRODUCTION_HOST
from mingus.simulator.errors import PlaidError
from mingus.simulator.errors import plaid_error
from mingus.simulator.errors import refuse
from mingus.simulator.faults import CONTENT
from mingus.simulator.faults import WIRE
from mingus.simulator.fields import check
from mingus.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIEnvironment

    from mingus.simulator.config import Config
    from mingus.simulator.faults import Fault
    from mingus.simulator.web import Endpoint
    from mingus.simulator.web import Route

MAX_BODY_BYTES = 5_000_000
VERSION = "2020-09-14"
OLD_VERSIONS = ("2017-03-08", "2018-05-22", "2019-05-29")

API_MODULES = (
    "mingus.simulator.api.items",
    "mingus.simulator.api.accounts",
    "mingus.simulator.api.transactions",
    "mingus.simulator.api.institutions",
    "mingus.simulator.api.products",
    "mingus.simulator.api.sandbox",
    "mingus.simulator.link.endpoints",
)
ROUTE_MODULES = (
    "mingus.simulator.control",
    "mingus.simulator.images",
    "mingus.simulator.link.pages",
    "mingus.simulator.console.pages",
)


class Application:
    """A WSGI application around one simulator (`sim`)."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self._endpoints: dict[str, Endpoint] = {
            endpoint.path: endpoint for name in API_MODULES for endpoint in _collected(name, "API")
        }
        routes: list[Route] = [route for name in ROUTE_MODULES for route in _collected(name, "ROUTES")]
        self._routes = Map(
            [Rule(route.path, endpoint=route.handler, methods=[route.method]) for route in routes],
            strict_slashes=False,
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.respond(Request(environ))(environ, start_response)

    def respond(self, request: Request) -> Response:
        """The answer to any request; raises spoil.Cut when a fault wants the connection reset."""
        if PRODUCTION_HOST in request.host.lower():
            return Response(f"This is a simulator; it does not answer for {PRODUCTION_HOST}.\n", status=421)
        if request.path.startswith("/control/") and not self._may_control(request):
            return Response("The control API serves no other web site.\n", status=403)
        endpoint = self._endpoints.get(request.path)
        if endpoint and request.method == "POST":
            return ApiCall(self.sim, endpoint, request).respond()
        try:
            handler, arguments = self._routes.bind_to_environ(request.environ).match()
        except HTTPException as error:
            return self._no_route(request, error)
        try:
            response: Response = handler(self.sim, request, **arguments)
        except PlaidError as error:
            return _error_response(error, self.sim.ids.request_id())
        return response

    def _may_control(self, request: Request) -> bool:
        """Whether no foreign page sent the request: a browser lets any page post to loopback.

        A name that a foreign site let point to loopback is no way in either.
        """
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            return False
        host = urlsplit(f"//{request.host}").hostname
        public = urlsplit(self.sim.public_url).hostname
        return self.sim.config.host not in LOOPBACK or host in (*LOOPBACK, public)

    def _no_route(self, request: Request, error: HTTPException) -> Response:
        """Plaid's own answer to unknown paths; redirects and wrong methods of pages stay what they are."""
        if error.code in (308, 405) and request.path not in self._endpoints:
            return Response.force_type(error.get_response(request.environ))
        refusal = plaid_error("NOT_FOUND", f"cannot {request.method} {request.path}")
        return _error_response(refusal, self.sim.ids.request_id())


class ApiCall:
    """One call of Plaid's API from its bytes to its bytes."""

    def __init__(self, sim: Simulator, endpoint: Endpoint, request: Request) -> None:
        self._sim = sim
        self._endpoint = endpoint
        self._request = request
        self._request_id = sim.ids.request_id()
        self._item_id: str | None = None
        self._faults: list[Fault] = []
        self._error_code: str | None = None

    def respond(self) -> Response:
        """Do the work, log the call, spoil the answer if a fault wants so."""
        started = time.perf_counter()
        number = self._sim.log.next_number()
        try:
            answer, status = self._answer()
            return self._sent(answer, status)
        finally:
            self._sim.log.add(
                Call(
                    number=number,
                    at=self._sim.clock.now(),
                    request_id=self._request_id,
                    endpoint=self._endpoint.path,
                    status=plaid_error(self._error_code).status if self._error_code else 200,
                    milliseconds=round((time.perf_counter() - started) * 1000, 2),
                    item_id=self._item_id,
                    error_code=self._error_code,
                    fault=", ".join(fault.kind for fault in self._faults) or None,
                )
            )

    def _answer(self) -> tuple[dict[str, Any], int]:
        try:
            result = self._result()
        except PlaidError as error:
            self._error_code = error.error_code
            return {**error.body(), "request_id": self._request_id}, error.status
        return {**result, "request_id": self._request_id}, 200

    def _result(self) -> dict[str, Any]:
        body = self._body()
        if not self._endpoint.public:
            self._check_credentials(body)
        self._check_version()
        checked = check(body, self._endpoint.fields)
        self._item_id = self._sim.items.id_of(checked.get("access_token"))
        self._faults = self._sim.faults.pick(self._endpoint.path, self._item_id)
        for fault in self._faults:
            if fault.kind == "reset_before":
                raise spoil.Cut
            if fault.kind == "error":
                refuse(fault.code)
        self._sim.limits.spend(self._endpoint.path, self._item_id)
        result = self._endpoint.handler(self._sim, checked)
        self._sim.scenes.called(self._endpoint.path, self._item_id, result)
        if "next_cursor" in result and any(fault.kind == "empty_page" for fault in self._faults):
            asked = checked.get("cursor") or ""
            result["next_cursor"] = cursors.again(asked, result["next_cursor"], self._sim.config.seed)
        return result

    def _body(self) -> dict[str, Any]:
        request = self._request
        if request.mimetype != "application/json":
            refuse("INVALID_HEADERS", "the Content-Type header must be application/json")
        if (request.content_length or 0) > MAX_BODY_BYTES:
            refuse("INVALID_BODY", f"the body must not be larger than {MAX_BODY_BYTES} bytes")
        try:
            body = msgspec.json.decode(request.get_data())
        except (msgspec.DecodeError, UnicodeDecodeError):
            refuse("INVALID_BODY")
        if not isinstance(body, dict):
            refuse("INVALID_BODY")
        return body

    def _check_credentials(self, body: dict[str, Any]) -> None:
        given = {
            "client_id": self._request.headers.get("PLAID-CLIENT-ID") or body.get("client_id"),
            "secret": self._request.headers.get("PLAID-SECRET") or body.get("secret"),
        }
        missing = [name for name, value in given.items() if not value]
        if missing:
            refuse("MISSING_FIELDS", f"the following required fields are missing: {', '.join(missing)}")
        config = self._sim.config
        if given != {"client_id": config.client_id, "secret": config.secret}:
            refuse("INVALID_API_KEYS")

    def _check_version(self) -> None:
        version = self._request.headers.get("Plaid-Version", VERSION)
        if version in OLD_VERSIONS:
            refuse("INCOMPATIBLE_API_VERSION", f"only version {VERSION} is served here")
        if version != VERSION:
            refuse("INVALID_HEADERS", "the Plaid-Version header is not a version of the API")

    def _sent(self, answer: dict[str, Any], status: int) -> Response:
        for fault in self._faults:
            if fault.kind in CONTENT and status == 200:
                answer = spoil.content(answer, fault)
        body = spoil.encode(answer)
        response = Response(body, status=status, content_type="application/json")
        for fault in self._faults:
            if fault.kind in WIRE:
                response = spoil.wire(body, status, fault)
        if self._faults:
            response.headers["X-Simulator-Fault"] = ", ".join(fault.kind for fault in self._faults)
        return response


def create_app(config: Config | None = None) -> Application:
    """A started simulator behind WSGI; close it with `app.sim.close()`."""
    sim = Simulator(config)
    sim.start()
    return Application(sim)


def _error_response(error: PlaidError, request_id: str) -> Response:
    body = {**error.body(), "request_id": request_id}
    return Response(msgspec.json.encode(body), status=error.status, content_type="application/json")


def _collected(name: str, attribute: str) -> tuple[Any, ...]:
    """What a module registers; a stand-in for Link and a console are optional parts."""
    package = name.rpartition(".")[0]
    if importlib.util.find_spec(package) is None or importlib.util.find_spec(name) is None:
        return ()
    found: tuple[Any, ...] = getattr(importlib.import_module(name), attribute)
    return found
