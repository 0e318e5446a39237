"""Spans for an OpenTelemetry collector (extra `tracing`), when the operator asks for them: what was done, how long.

Off until `configure`; then requests, jobs, syncs and calls to Plaid are told, the inner ones within the outer. What
may be told is `Facts` and nothing else: no path, no query, no address, nobody, and no text of an exception.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextlib import nullcontext
from typing import TYPE_CHECKING
from typing import Literal
from typing import TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import Unpack

    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Tracer

PREFIX = "mingus."
SEND_SECONDS = 2.0  # for a batch with its repetitions: a collector that is away holds up no end of a process
MOST_WAITING = 1024
OFF: AbstractContextManager[None] = nullcontext()


class TracingMissing(Exception):
    """MINGUS_OTLP_URL is set but OpenTelemetry is not installed: pip install 'mingus[tracing]', or leave it empty."""


class Facts(TypedDict, total=False):
    """What a span may say; `error_code` and `failure`, the class of an exception, make it one that failed."""

    method: str
    route: str | None
    status: int
    request_id: str
    endpoint: str
    plaid_request_id: str | None
    job: str
    connection_id: str
    sync_log_id: str
    outcome: str
    added: int
    modified: int
    removed: int
    parked: int
    quarantined: int
    error_code: str | None
    failure: str


_tracer: Tracer | None = None


def configure(url: str, *, environment: str) -> None:
    """Send the spans of this process there, in batches; raises TracingMissing without the extra."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as err:
        raise TracingMissing from err
    logging.getLogger("opentelemetry").setLevel(
        logging.ERROR
    )  # a line for a batch that is lost, none for each try
    exporter = OTLPSpanExporter(endpoint=url, timeout=SEND_SECONDS)
    send_to(BatchSpanProcessor(exporter, max_queue_size=MOST_WAITING), environment=environment)


def send_to(processor: SpanProcessor, *, environment: str) -> None:
    """Hand the spans of this process to `processor`."""
    global _tracer
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    words = {"service.name": "mingus", "deployment.environment.name": environment}
    provider = TracerProvider(resource=Resource.create(words))
    provider.add_span_processor(processor)
    _tracer = provider.get_tracer("mingus")


def span(
    name: str,
    *,
    side: Literal["SERVER", "CLIENT", "CONSUMER", "INTERNAL"] = "INTERNAL",
    **facts: Unpack[Facts],
) -> AbstractContextManager[None]:
    """A span for as long as the block lasts, within the one around it."""
    return OFF if _tracer is None else _traced(_tracer, name, side, facts)


@contextmanager
def _traced(tracer: Tracer, name: str, side: str, facts: Facts) -> Iterator[None]:
    from opentelemetry.trace import SpanKind

    with tracer.start_as_current_span(
        name,
        kind=SpanKind[side],
        record_exception=False,  # its text and its frames may hold what is nobody's business
        set_status_on_exception=False,
    ):
        tell(**facts)
        try:
            yield
        except Exception as err:
            tell(failure=type(err).__name__)
            raise


def tell(**facts: Unpack[Facts]) -> None:
    """Add to the innermost span."""
    if _tracer is None:
        return
    from opentelemetry import trace

    inner = trace.get_current_span()
    inner.set_attributes(
        {f"{PREFIX}{name}": fact for name, fact in facts.items() if isinstance(fact, str | int)}
    )
    if facts.get("failure") or facts.get("error_code"):
        inner.set_status(trace.StatusCode.ERROR)
