"""One simulated Plaid: its parts, wired."""

from __future__ import annotations

from mingus.simulator.calls import CallLog
from mingus.simulator.clock import Clock
from mingus.simulator.config import Config
from mingus.simulator.faults import Faults
from mingus.simulator.ids import Ids
from mingus.simulator.institutions import Institutions
from mingus.simulator.items import Items
from mingus.simulator.limits import Limits
from mingus.simulator.logins import Logins
from mingus.simulator.scenes import Scenes
from mingus.simulator.scheduler import Scheduler
from mingus.simulator.signing import Keys
from mingus.simulator.store import Store
from mingus.simulator.till import Till
from mingus.simulator.updates import Updates
from mingus.simulator.webhooks import Webhooks

DEFAULT_URL = "http://127.0.0.1:5001"


class Simulator:
    """Everything that one simulated Plaid knows and does; `start` it once, `close` it at the end."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()
        self.store = Store(self.config.state)
        self.clock = Clock(self.store, self.config.clock)
        self.scheduler = Scheduler(self.clock)
        self.ids = Ids(self.config.token_seed)
        self.log = CallLog()
        self.limits = Limits(enabled=self.config.rate_limits)
        self.faults = Faults(self.config.seed)
        self.institutions = Institutions(self.store, self.config.seed)
        self.logins = Logins()
        self.keys = Keys(self.store, self.clock, signing_time=self.config.signing_time)
        self.webhooks = Webhooks(self)
        self.updates = Updates(self)
        self.till = Till(self)
        self.scenes = Scenes(self)
        self.items = Items(self)
        self.public_url = (self.config.public_url or DEFAULT_URL).rstrip("/")

    def start(self) -> None:
        """Take up what a former run left and let time pass."""
        self.updates.resume()
        self.webhooks.resume()
        self.scenes.resume()
        if self.config.scenario:
            self.scenes.load_from(self.config.scenario)
        self.scheduler.start()

    def reset(self) -> None:
        """Forget items, calls, deliveries, faults, scenario and bank health; keep keys and clock."""
        with self.store.lock:
            self.scheduler.clear()
            for kind in RESET_KINDS:
                self.store.clear(kind)
            for item in self.items.all():
                self.store.clear(f"log:{item.item_id}")
            self.items.reset()
            self.updates.reset()
            self.webhooks.clear()
            self.faults.clear()
            self.scenes.clear()
            self.log.clear()
            self.limits.clear()
            self.institutions = Institutions(self.store, self.config.seed)

    def close(self) -> None:
        """Stop time and threads and close the state file; safe to repeat."""
        self.scheduler.stop()
        self.webhooks.stop()
        self.store.close()


RESET_KINDS = (
    "item",
    "dead_token",
    "public_token",
    "linked",
    "book",
    "progress",
    "delivery",
    "institution_status",
    "scene",
    "async_investments",
    "async_investments_done",
    "link_token",
    "link_session",
    "link_hosted",
    "link_user",
    "link_user_token",
    "oauth_state",
)
