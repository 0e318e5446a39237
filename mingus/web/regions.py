"""Languages and regions, chosen apart: whose words, and how dates, numbers and money are written (decision 038).

A person's locale is "en_DE": English words, written as in Germany. Where CLDR knows no such pair, that way of the
language's own which is nearest to the region's stands in.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING

from babel import Locale
from babel.dates import format_date
from babel.dates import format_time
from babel.numbers import format_decimal

from mingus import money

if TYPE_CHECKING:
    from collections.abc import Iterable

LANGUAGES = {"en": "English", "es": "Español"}  # what we speak, our own first
HOMES = {"en": "US", "es": "ES"}  # where a language is written that way if nothing is said
REGIONS = (
    *(
        "US",
        "GB",
        "IE",
        "CA",
        "AU",
        "NZ",
        "IN",
        "ZA",
        "DE",
        "AT",
        "CH",
        "NL",
        "BE",
        "FR",
        "IT",
        "PT",
        "DK",
        "SE",
    ),
    *("NO", "FI", "PL", "ES", "MX", "AR", "CO", "CL", "PE", "UY"),
)
STAND_INS = {
    "en": {"MX": "en_AU", "AR": "en_ES", "CO": "en_ES", "CL": "en_ES", "PE": "en_AU", "UY": "en_ES"},
    "es": {
        **dict.fromkeys(("GB", "IE", "CH"), "es_BZ"),
        **dict.fromkeys(("AU", "CA", "IN", "NZ"), "es_MX"),
        **dict.fromkeys(("FI", "FR", "NO", "PL", "SE", "ZA"), "es_CR"),
        **dict.fromkeys(("AT", "BE", "DE", "DK", "IT", "NL", "PT"), "es_ES"),
    },
}
EXAMPLE_AT = dt.datetime(2026, 11, 27, 17, 5)  # noqa: DTZ001 (a clock on the wall, anywhere)
EXAMPLE_NUMBER = money.parse("1234.5")


def split(locale: str) -> tuple[str, str]:
    """Language and region of a person's locale, each one that there is."""
    language, _, region = locale.partition("_")
    language = language if language in LANGUAGES else next(iter(LANGUAGES))
    return language, region if region in REGIONS else HOMES[language]


def join(language: str, region: str) -> str:
    return f"{language}_{region}"


def written(locale: str) -> str:
    """The locale by which this person's dates, numbers and money are written; always one that Babel knows."""
    language, region = split(locale)
    return STAND_INS[language].get(region, join(language, region))


def wished(tags: Iterable[str]) -> str:
    """The locale of somebody whose browser asks for these languages, the dearest first.

    Words in the first language that we speak; the region is the first that is named with any of them.
    """
    pairs = [tag.replace("_", "-").split("-") for tag in tags]
    language = next((parts[0].lower() for parts in pairs if parts[0].lower() in LANGUAGES), None)
    regions = (parts[-1].upper() for parts in pairs if len(parts) > 1)
    region = next((region for region in regions if region in REGIONS), None)
    if language is None:
        language = next(iter(LANGUAGES))
    return join(language, region or HOMES[language])


@cache
def names(language: str) -> dict[str, str]:
    """Every region's name in that language and an example of how it writes, by name."""
    territories = Locale.parse(language).territories
    found = {region: f"{territories[region]}: {example(join(language, region))}" for region in REGIONS}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def example(locale: str) -> str:
    """How a date, a time and a number look there."""
    known = written(locale)
    day = format_date(EXAMPLE_AT, "medium", locale=known)
    time = format_time(EXAMPLE_AT, "short", locale=known)
    return f"{day}, {time}, {format_decimal(EXAMPLE_NUMBER, '#,##0.00', locale=known)}"
