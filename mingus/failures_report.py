"""Failures told to Sentry (extra `sentry`), when the operator asks for it: where in the code, never with what data."""

from __future__ import annotations

from typing import Any

from mingus.logs import redact

DROPPED = ("request", "user", "breadcrumbs", "extra", "server_name", "modules")


class ReporterMissing(Exception):
    """SENTRY_DSN is set but sentry-sdk is not installed: pip install 'mingus[sentry]', or leave it empty."""


def report_to(dsn: str, *, environment: str) -> None:
    """Send failures of this process there; raises ReporterMissing without the extra."""
    try:
        import sentry_sdk
    except ImportError as err:
        raise ReporterMissing from err
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0.0,
        auto_session_tracking=False,
        before_send=scrubbed,
    )


def scrubbed(event: Any, _hint: Any) -> Any:
    """What may leave: kind, redacted message and the code's own lines. Nothing of the request or the person."""
    kept = {name: value for name, value in event.items() if name not in DROPPED}
    for failure in kept.get("exception", {}).get("values", ()):
        failure["value"] = redact(str(failure.get("value", ""))).partition("\n")[0][:200]
        for frame in failure.get("stacktrace", {}).get("frames", ()):
            frame.pop("vars", None)
    if "logentry" in kept:
        kept["logentry"] = {"message": redact(str(kept["logentry"].get("message", "")))}
    return kept
