"""Whose words, and how dates and numbers are written: every language in every region."""

from __future__ import annotations

import pytest
from babel import Locale

from mingus.web import regions

EVERYWHERE = [(language, region) for language in regions.LANGUAGES for region in regions.REGIONS]


@pytest.mark.parametrize(("language", "region"), EVERYWHERE)
def test_every_pair_is_written_in_a_way_that_is_known_and_speaks_the_language(
    language: str, region: str
) -> None:
    known = Locale.parse(regions.written(regions.join(language, region)))
    assert known.language == language
    assert regions.split(regions.join(language, region)) == (language, region)


@pytest.mark.parametrize(
    ("kept", "language_and_region"),
    [
        ("en", ("en", "US")),
        ("es", ("es", "ES")),
        ("de_DE", ("en", "DE")),
        ("es_BR", ("es", "ES")),
        ("", ("en", "US")),
    ],
)
def test_what_was_kept_before_or_is_not_offered_reads_as_what_is_nearest(
    kept: str, language_and_region: tuple[str, str]
) -> None:
    assert regions.split(kept) == language_and_region


@pytest.mark.parametrize(
    ("tags", "locale"),
    [
        (["en-GB", "en"], "en_GB"),
        (["es-MX", "es"], "es_MX"),
        (["de-AT", "de", "en"], "en_AT"),
        (["fr"], "en_US"),
        (["zh-Hans-CN", "es"], "es_ES"),
        (["*"], "en_US"),
        ([], "en_US"),
    ],
)
def test_a_browsers_wishes_are_read_in_their_order(tags: list[str], locale: str) -> None:
    assert regions.wished(tags) == locale


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("en_US", "Nov 27, 2026, 5:05\u202fPM, 1,234.50"),
        ("en_GB", "27 Nov 2026, 17:05, 1,234.50"),
        ("en_DE", "27 Nov 2026, 17:05, 1.234,50"),
        ("es_MX", "27 nov 2026, 5:05\u202fp.m., 1,234.50"),
        ("es_DE", "27 nov 2026, 17:05, 1.234,50"),
    ],
)
def test_an_example_shows_how_a_region_writes(locale: str, shown: str) -> None:
    assert regions.example(locale) == shown
