"""The banks that can be found: Plaid's sandbox ids, well-known production ids, and generated ones."""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.errors import refuse
from mingus.simulator.pictures import emblem_base64
from mingus.simulator.pictures import hex_colour

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Sequence

    from mingus.simulator.store import Store

DATA = Path(__file__).parent / "data" / "institutions.toml"
GENERATED = 400
LOGO_PIXELS = 152
STATUSES = ("HEALTHY", "DEGRADED", "DOWN", "UNSUPPORTED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Institution:
    """One bank as Link and the institution endpoints know it."""

    institution_id: str
    name: str
    products: tuple[str, ...]
    country_codes: tuple[str, ...] = ("US",)
    url: str | None = None
    primary_color: str | None = None
    has_logo: bool = True
    routing_numbers: tuple[str, ...] = ()
    oauth: bool = False
    mfa: tuple[str, ...] = ()
    status: str = "HEALTHY"
    # Rank in Link's list of banks to begin with; 0 is not in that list.
    popular: int = 0
    # Behaviour that clients meet at some real banks.
    persistent_ids: bool = False
    shows_pending: bool = True
    always_mfa: bool = False
    dated_balances: bool = False
    consent_days: int | None = None

    @property
    def logo(self) -> str | None:
        """The picture as base64 PNG without a data: prefix; some banks have none."""
        return emblem_base64(self.name, LOGO_PIXELS) if self.has_logo else None

    @property
    def supported(self) -> bool:
        """Whether new items may be made there."""
        return self.status != "UNSUPPORTED"


class Institutions:
    """All banks of this world, and the health that the control API gave them."""

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._by_id = {row.institution_id: row for row in _world(seed)}
        for key, doc in store.all("institution_status"):
            self._by_id[key] = replace(self._by_id[key], status=doc["status"])

    def get(self, institution_id: str) -> Institution:
        """The bank of that id; PlaidError INVALID_INSTITUTION."""
        try:
            return self._by_id[institution_id]
        except KeyError:
            refuse("INVALID_INSTITUTION")

    def offering(
        self,
        *,
        country_codes: Iterable[str],
        products: Iterable[str] | None = None,
        oauth: bool | None = None,
        routing_numbers: Iterable[str] | None = None,
        include_unsupported: bool = False,
    ) -> Sequence[Institution]:
        """Every supported bank (Link shows the others too) in one of the countries that offers all of the products."""
        countries, wanted = set(country_codes), set(products or ())
        numbers = set(routing_numbers or ())
        return [
            row
            for row in self._by_id.values()
            if (row.supported or include_unsupported)
            and countries & set(row.country_codes)
            and wanted <= set(row.products)
            and (oauth is None or row.oauth == oauth)
            and (not numbers or numbers & set(row.routing_numbers))
        ]

    def search(
        self,
        query: str,
        *,
        products: Iterable[str] | None = None,
        country_codes: Iterable[str],
        oauth: bool | None = None,
        limit: int = 10,
        include_unsupported: bool = False,
    ) -> Sequence[Institution]:
        """The best matches first: names beginning with the query, then words, then all words anywhere."""
        wanted = query.casefold().strip()
        ranked = [
            (rank, row.popular or 99, row.name, row)
            for row in self.offering(
                country_codes=country_codes,
                products=products,
                oauth=oauth,
                include_unsupported=include_unsupported,
            )
            if (rank := _rank(row.name.casefold(), wanted)) is not None
        ]
        return [row for *_, row in sorted(ranked, key=lambda entry: entry[:3])[:limit]]

    def popular(
        self, *, country_codes: Iterable[str], products: Iterable[str] | None = None
    ) -> Sequence[Institution]:
        """The banks that Link shows before anything is typed."""
        rows = [row for row in self.offering(country_codes=country_codes, products=products) if row.popular]
        return sorted(rows, key=lambda row: row.popular)

    def set_status(self, institution_id: str, status: str) -> Institution:
        """Make the bank healthy, degraded, down or unsupported from now on."""
        if status not in STATUSES:
            refuse("INVALID_FIELD", f"status must be one of {', '.join(STATUSES)}")
        row = replace(self.get(institution_id), status=status)
        with self._store.lock:
            self._by_id[institution_id] = row
            self._store.put("institution_status", institution_id, {"status": status})
        return row


@cache
def _world(seed: int) -> tuple[Institution, ...]:
    return (*_named(), *_generated(seed))


def _rank(name: str, query: str) -> int | None:
    if name.startswith(query):
        return 0
    words = name.replace("-", " ").split()
    if any(word.startswith(query) for word in words):
        return 1
    return 2 if all(part in name for part in query.split()) else None


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(DATA.read_text())


def _named() -> Iterable[Institution]:
    data = _data()
    for row in data["institution"]:
        yield _institution(row, data["products"])


def _institution(row: dict[str, Any], products: dict[str, list[str]]) -> Institution:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in row.items()
    }
    values["products"] = tuple(products[row.get("products", "full")])
    values.setdefault("primary_color", hex_colour(row["name"]))
    values.setdefault("url", f"https://{_slug(row['name'])}.example")
    return Institution(**values)


def _generated(seed: int) -> Iterable[Institution]:
    data = _data()
    chance, names = random.Random(f"institutions {seed}"), data["names"]
    seen: set[str] = set()
    while len(seen) < GENERATED:
        name = f"{chance.choice(names['places'])} {chance.choice(names['kinds'])}"
        if name in seen:
            continue
        seen.add(name)
        country = chance.choices(["US", "CA", "GB"], weights=[17, 2, 1])[0]
        yield Institution(
            institution_id=f"ins_{300000 + len(seen)}",
            name=name,
            products=tuple(data["products"][chance.choice(["full", "full", "bank", "card"])]),
            country_codes=(country,),
            url=f"https://{_slug(name)}.example",
            primary_color=hex_colour(name),
            has_logo=chance.random() < 0.6,
            routing_numbers=(f"{chance.randrange(10_000_000, 330_000_000):09d}",) if country == "US" else (),
            oauth=chance.random() < 0.25,
            status=chance.choices(["HEALTHY", "DEGRADED", "DOWN"], weights=[96, 3, 1])[0],
            consent_days=365 if chance.random() < 0.2 else None,
        )


def _slug(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isascii() and char.isalnum())
