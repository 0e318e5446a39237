"""`make texts`: bring every language up to what code and templates say; what is new waits to be translated."""

from __future__ import annotations

import sys

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.messages.pofile import write_po

from translations.extract import ROOT
from translations.extract import catalog


def main() -> None:
    said = catalog()
    for path in sorted((ROOT / "translations").glob("*/LC_MESSAGES/messages.po")):
        with path.open("rb") as file:
            known = read_po(file, locale=path.parent.parent.name)
        now = merged(said, known)
        with path.open("wb") as file:
            write_po(file, now, width=110, no_location=True, sort_output=True)
        missing = sum(1 for message in now if message.id and not (message.string and all(message.string)))
        sys.stdout.write(f"{known.locale}: {len(now)} texts, {missing} not translated yet\n")


def merged(said: Catalog, known: Catalog) -> Catalog:
    """What is said now with the translations that are known; nothing fuzzy, nothing obsolete."""
    found = Catalog(
        locale=known.locale,
        header_comment=f"# What MINGUS says, in {known.locale.english_name if known.locale else 'English'}.",
        project="MINGUS",
        version="-",
        msgid_bugs_address="-",
        last_translator="-",
        language_team="-",
        charset="utf-8",
        creation_date=known.creation_date,
        revision_date=known.creation_date,
        fuzzy=False,
    )
    for message in said:
        if message.id:
            before = known.get(message.id[0] if isinstance(message.id, tuple) else message.id)
            found.add(message.id, string=before.string if before is not None else None, flags=message.flags)
    return found


if __name__ == "__main__":
    main()
