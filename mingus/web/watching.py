"""/metrics, for Prometheus: only with its token, and only where the operator switched it on."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from flask import Blueprint
from flask import Response
from flask import abort
from flask import request

from mingus import metrics
from mingus.admin.gauges import gauges
from mingus.services import services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import GaugeMetricFamily

bp = Blueprint("watching", __name__)


@bp.get("/metrics")
def prometheus() -> Response:
    settings = services().settings
    sent = request.authorization
    given = (sent.token or "") if sent is not None and sent.type == "bearer" else ""
    if not settings.metrics or not hmac.compare_digest(given.encode(), settings.metrics_token.encode()):
        abort(404)  # as any address that is not here
    text, kind = metrics.exposition(_asked)
    return Response(text, content_type=kind)


def _asked() -> Iterator[GaugeMetricFamily]:
    from prometheus_client.metrics_core import (
        GaugeMetricFamily,  # as in mingus.metrics: never before it is on
    )

    wired = services()
    waiting: dict[str, int] = {}
    for sweep in wired.sweeps():
        waiting[sweep.kind.value] = waiting.get(sweep.kind.value, 0) + len(sweep.find())
    for name, words, labels, values in gauges(
        environment=wired.settings.environment.value,
        now=wired.ambient.now(),
        outgoing=wired.outgoing,
        waiting=waiting,
        nudges=wired.jobs.waiting(),
    ):
        family = GaugeMetricFamily(name, words, labels=labels)
        for label_values, value in values:
            family.add_metric(label_values, value)
        yield family
