"""A simulator for the time of a test, on a free port, in this process."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING

from mingus.simulator.config import Config
from mingus.simulator.server import Server
from mingus.simulator.wsgi import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mingus.simulator.simulator import Simulator


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A simulator that answers at `base_url`; `sim` is its inside."""

    base_url: str
    sim: Simulator


@contextmanager
def running(config: Config | None = None) -> Iterator[Running]:
    """Serve until the block ends; port 0 unless the configuration names another than the default."""
    chosen = config or Config()
    if chosen.port == Config().port:
        chosen = replace(chosen, port=0)
    app = create_app(chosen)
    try:
        server = Server(app, chosen)
        thread = server.run_in_thread()
        try:
            yield Running(base_url=server.url, sim=app.sim)
        finally:
            server.shutdown()
            server.server_close()
            thread.join(timeout=5)
    finally:
        app.sim.close()
