"""Somebody deletes their account while an export of it is still being sent."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from mingus.exports.cut import ExportCut
from mingus.services import services
from tests import factories
from tests.attacks import world
from tests.support import books

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs

ROWS = 3_000


def leave(app: Flask, person: UserId) -> None:
    """As another request would, while the first is being answered."""
    with app.app_context():
        services().leaving.leave(person, by=person)


@pytest.mark.parametrize("path", ["/transactions/export.csv", "/settings/data/everything.zip"])
def test_the_export_is_cut_and_nothing_stays(app: Flask, jobs: InlineJobs, path: str) -> None:
    ada = factories.make_person(app)
    with app.app_context():
        account = books.make_account(ada)
        # names that no compression makes small: the file has to be long enough to be interrupted
        rows = [
            {"name": services().ambient.token() * 3, "amount_minor": -number - 1} for number in range(ROWS)
        ]
        books.make_transactions(account, rows)
        folder = services().settings.data_dir
        before = {file.name for file in folder.rglob("*") if file.suffix in {".csv", ".zip", ".json", ".tmp"}}
    answer = factories.sign_in(app, ada).get(path, buffered=False)
    assert answer.status_code == 200
    pieces = answer.iter_encoded()
    assert next(pieces)
    elsewhere = threading.Thread(target=leave, args=(app, ada))
    elsewhere.start()
    elsewhere.join()
    with pytest.raises(ExportCut):
        list(pieces)
    answer.close()
    jobs.run_all()
    assert not [name for name, found in world.rows_of(app, ada).items() if found]
    left = {file.name for file in folder.rglob("*") if file.suffix in {".csv", ".zip", ".json", ".tmp"}}
    assert left == before


def test_whoever_stays_gets_the_whole_file(app: Flask) -> None:
    ada = factories.make_person(app)
    with app.app_context():
        books.make_transactions(books.make_account(ada), [{"amount_minor": -1}] * 200)
    text = factories.sign_in(app, ada).get("/transactions/export.csv").get_data(as_text=True)
    assert len(text.splitlines()) == 201
