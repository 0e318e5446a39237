"""A row that names its owner hangs on nothing that could be somebody else's, by keys of the database."""

from __future__ import annotations

from mingus import tables

OWNER = "user_id"
PEOPLE = "users"
# it outlives the person, whose id it holds only until the rows are gone
WITHOUT_KEY = {"departures", "audit_events"}


def test_every_key_to_a_members_row_holds_the_owner_too() -> None:
    loose = []
    for table in tables.metadata().tables.values():
        whole = [
            set(key.column_keys)
            for key in table.foreign_key_constraints
            if key.referred_table.name == PEOPLE or OWNER in key.column_keys
        ]
        for key in table.foreign_key_constraints:
            columns = set(key.column_keys)
            if OWNER not in key.referred_table.c or OWNER not in table.c:
                continue
            # a second key over the same column may say what else happens when the parent goes
            if not any(columns | {OWNER} <= other for other in whole):
                loose.append(f"{table.name} ({', '.join(sorted(columns))})")
    assert not loose, "make it an owner_key (mingus/db.py), with the unique index at the parent"


def test_a_row_without_an_owner_of_its_own_hangs_on_one_alone() -> None:
    torn = [
        table.name
        for table in tables.metadata().tables.values()
        if OWNER not in table.c
        and len([key for key in table.foreign_key_constraints if OWNER in key.referred_table.c]) > 1
    ]
    assert not torn, "of two parents each could be somebody else's: give it user_id and owner keys"


def test_an_owner_is_a_person_by_a_key() -> None:
    unheld = {
        table.name
        for table in tables.metadata().tables.values()
        if OWNER in table.c and not table.c[OWNER].foreign_keys
    }
    assert unheld == WITHOUT_KEY & unheld
