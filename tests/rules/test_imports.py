"""Imports go down the floors, or sideways within one area; nothing else."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FLOORS: list[tuple[int, str]] = [
    (7, "wsgi"),
    (7, "mingus.worker"),
    (7, "mingus.run"),
    (7, "mingus.startup"),
    (6, "mingus.app"),
    (5, "mingus.cli"),
    (5, "mingus.doctor"),
    (5, "mingus.web"),
    (5, "mingus.admin.views"),
    (5, "mingus.admin.aside_views"),
    (5, "mingus.admin.connection_views"),
    (5, "mingus.admin.inbox_views"),
    (5, "mingus.admin.people_views"),
    (5, "mingus.admin.plots"),
    (5, "mingus.admin.sync_views"),
    (5, "mingus.admin.unmasking"),
    (5, "mingus.admin.system_views"),
    (5, "mingus.auth.views"),
    (5, "mingus.auth.settings_views"),
    (5, "mingus.auth.token_views"),
    (5, "mingus.leaving.views"),
    (5, "mingus.auth.entry_views"),
    (5, "mingus.auth.security_views"),
    (5, "mingus.auth.forms"),
    (5, "mingus.plaid.views"),
    (5, "mingus.plaid.api"),
    (5, "mingus.plaid.api_document"),
    (5, "mingus.plaid.api_shapes"),
    (5, "mingus.plaid.ledger_api"),
    (5, "mingus.plaid.activity_views"),
    (5, "mingus.plaid.products_api"),
    (5, "mingus.plaid.pulse_api"),
    (5, "mingus.plaid.forms"),
    (5, "mingus.plaid.commands"),
    (5, "mingus.notices.views"),
    (5, "mingus.webhooks.views"),
    (5, "mingus.webhooks.commands"),
    (5, "mingus.transactions.views"),
    (5, "mingus.transactions.asked"),
    (5, "mingus.transactions.edit_views"),
    (5, "mingus.transactions.forms"),
    (5, "mingus.transactions.rule_forms"),
    (5, "mingus.transactions.rule_views"),
    (5, "mingus.transactions.shown"),
    (5, "mingus.imports.views"),
    (5, "mingus.imports.forms"),
    (5, "mingus.manual.views"),
    (5, "mingus.manual.forms"),
    (5, "mingus.exports.views"),
    (5, "mingus.exports.commands"),
    (5, "mingus.backups.commands"),
    (5, "mingus.transactions.commands"),
    (5, "mingus.backups.restoring"),
    (5, "mingus.command"),
    (5, "mingus.demo"),
    (5, "mingus.readiness"),
    (5, "mingus.schema"),
    (5, "mingus.policies"),
    (7, "mingus.slowness"),
    (5, "mingus.reports.views"),
    (5, "mingus.reports.dashboard"),
    (5, "mingus.reports.accountpage"),
    (5, "mingus.reports.asked"),
    (5, "mingus.reports.plots"),
    (4, "mingus.services"),
    (4, "mingus.auth.wiring"),
    (4, "mingus.plaid.wiring"),
    (3, "mingus.admin.connections"),
    (3, "mingus.admin.gauges"),
    (3, "mingus.admin.inbox"),
    (3, "mingus.admin.institutions"),
    (3, "mingus.admin.setaside"),
    (3, "mingus.admin.support"),
    (3, "mingus.admin.syncdetail"),
    (3, "mingus.admin.kpis"),
    (3, "mingus.admin.days"),
    (3, "mingus.admin.tallies"),
    (1, "mingus.admin.models"),
    (0, "mingus.paging"),
    (3, "mingus.admin.people"),
    (3, "mingus.admin.syncs"),
    (3, "mingus.backups.service"),
    (3, "mingus.auth.service"),
    (3, "mingus.auth.sessions"),
    (3, "mingus.leaving.service"),
    (3, "mingus.leaving.items"),
    (3, "mingus.auth.factors"),
    (3, "mingus.auth.passkeys"),
    (3, "mingus.auth.entrance"),
    (3, "mingus.auth.apitokens"),
    (3, "mingus.auth.tickets"),
    (3, "mingus.auth.queries"),
    (3, "mingus.plaid.service"),
    (3, "mingus.plaid.linking"),
    (3, "mingus.plaid.settling"),
    (3, "mingus.plaid.linkjournal"),
    (3, "mingus.plaid.linktokens"),
    (3, "mingus.plaid.connections"),
    (3, "mingus.plaid.accounts"),
    (3, "mingus.plaid.institutions"),
    (3, "mingus.plaid.sync"),
    (3, "mingus.plaid.fetching"),
    (3, "mingus.plaid.quiet"),
    (3, "mingus.plaid.staging"),
    (3, "mingus.plaid.later"),
    (3, "mingus.plaid.leases"),
    (3, "mingus.plaid.polling"),
    (3, "mingus.plaid.pulse"),
    (3, "mingus.plaid.schedules"),
    (3, "mingus.plaid.snapshots"),
    (3, "mingus.plaid.resting"),
    (3, "mingus.retention"),
    (3, "mingus.plaid.writing"),
    (3, "mingus.plaid.plan"),
    (3, "mingus.plaid.queries"),
    (3, "mingus.reports.figures"),
    (3, "mingus.reports.merchants"),
    (3, "mingus.reports.standing"),
    (3, "mingus.plaid.refreshing"),
    (3, "mingus.plaid.drift"),
    (3, "mingus.plaid.activity"),
    (3, "mingus.plaid.progress"),
    (3, "mingus.plaid.history"),
    (3, "mingus.plaid.productwriting"),
    (3, "mingus.plaid.productqueries"),
    (3, "mingus.plaid.synclogs"),
    (3, "mingus.transactions.catalogues"),
    (3, "mingus.transactions.edits"),
    (3, "mingus.transactions.arrivals"),
    (3, "mingus.transactions.inheriting"),
    (3, "mingus.transactions.filters"),
    (3, "mingus.transactions.own_categories"),
    (3, "mingus.transactions.rules"),
    (3, "mingus.transactions.transfers"),
    (3, "mingus.transactions.history"),
    (3, "mingus.transactions.listing"),
    (3, "mingus.transactions.spending"),
    (3, "mingus.transactions.seeking"),
    (3, "mingus.transactions.sums"),
    (3, "mingus.transactions.merchantsums"),
    (3, "mingus.transactions.turns"),
    (3, "mingus.transactions.wording"),
    (3, "mingus.transactions.summing"),
    (3, "mingus.imports.service"),
    (3, "mingus.imports.queries"),
    (1, "mingus.imports.models"),
    (0, "mingus.imports.rows"),
    (0, "mingus.imports.texts"),
    (0, "mingus.imports.figures"),
    (0, "mingus.imports.csvfile"),
    (0, "mingus.imports.ofxfile"),
    (0, "mingus.imports.judging"),
    (3, "mingus.manual.service"),
    (3, "mingus.manual.queries"),
    (0, "mingus.manual.kinds"),
    (3, "mingus.exports.source"),
    (3, "mingus.exports.lists"),
    (3, "mingus.exports.ofx"),
    (3, "mingus.exports.beancount"),
    (3, "mingus.exports.takeout"),
    (3, "mingus.exports.archive"),
    (3, "mingus.exports.formats"),
    (3, "mingus.exports.cut"),
    (3, "mingus.notices.service"),
    (3, "mingus.webhooks.inbox"),
    (3, "mingus.webhooks.handling"),
    (3, "mingus.webhooks.scribe"),
    (3, "mingus.webhooks.senders"),
    (3, "mingus.webhooks.keys"),
    (3, "mingus.webhooks.queries"),
    (2, "mingus.notices.board"),
    (2, "mingus.webhooks.hints"),
    (2, "mingus.webhooks.verify"),
    (2, "mingus.plaid.gateway"),
    (2, "mingus.plaid.linkstates"),
    (2, "mingus.plaid.wire"),
    (2, "mingus.plaid.synced"),
    (2, "mingus.plaid.productwire"),
    (2, "mingus.plaid.spool"),
    (2, "mingus.plaid.outgoing"),
    (2, "mingus.audit"),
    (2, "mingus.browserreports"),
    (2, "mingus.plaid.callbook"),
    (2, "mingus.vault"),
    (2, "mingus.auth.passwords"),
    (2, "mingus.backups.envelope"),
    (2, "mingus.backups.rows"),
    (2, "mingus.chores"),
    (2, "mingus.mail"),
    (2, "mingus.jobs"),
    (2, "mingus.limits"),
    (0, "mingus.patience"),
    (2, "mingus.wall"),
    (1, "mingus.tables"),
    (1, "mingus.auth.models"),
    (1, "mingus.leaving.models"),
    (1, "mingus.backups.models"),
    (1, "mingus.auth.factor_models"),
    (1, "mingus.plaid.models"),
    (1, "mingus.plaid.ledger"),
    (1, "mingus.plaid.products"),
    (1, "mingus.webhooks.models"),
    (1, "mingus.notices.models"),
    (1, "mingus.plaid.failures"),
    (1, "mingus.transactions.models"),
    (1, "mingus.sealed"),
    (1, "mingus.plaid.states"),
    (0, "mingus.transactions.categories"),
    (0, "mingus.transactions.taxonomy"),
    (0, "mingus.auth.failures"),
    (0, "mingus.aws_secrets"),
    (0, "mingus.config"),
    (0, "mingus.environ"),
    (0, "mingus.ambient"),
    (0, "mingus.metrics"),
    (0, "mingus.failures_report"),
    (0, "mingus.tracing"),
    (0, "mingus.money"),
    (0, "mingus.errors"),
    (0, "mingus.db"),
    (0, "mingus.bulk"),
    (0, "mingus.logs"),
    (0, "mingus.local_setup"),
    (0, "mingus.gunicorn_conf"),
]
FLASK_FROM = 4
# reads every floor's tables, so that migrations see them all
TABLES = "mingus.tables"


def modules() -> dict[str, Path]:
    found = {"wsgi": ROOT / "wsgi.py"}
    for path in sorted((ROOT / "mingus").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = path
    return found


def floor_of(module: str) -> int | None:
    return next((floor for floor, name in FLOORS if module == name or module.startswith(f"{name}.")), None)


def imported(path: Path) -> set[str]:
    """Every module a file imports, also for types and inside functions; `mingus.x` for `from mingus import x`."""
    known = modules()
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names.add(inner if inner in known else node.module)
    return names


OURS = {
    name: path
    for name, path in modules().items()
    if not name.startswith("mingus.simulator") and name != "mingus"
}


@pytest.mark.parametrize("module", [name for name, path in OURS.items() if path.name != "__init__.py"])
def test_every_module_stands_on_a_floor_and_imports_downward(module: str) -> None:
    floor = floor_of(module)
    assert floor is not None, f"{module} has no floor: add it to FLOORS"
    for other in imported(OURS[module]):
        other_floor = floor_of(other)
        if other_floor is not None and module != TABLES:
            assert other_floor <= floor, f"{module} (floor {floor}) imports {other} (floor {other_floor})"


@pytest.mark.parametrize("module", [name for name in OURS if (floor_of(name) or 0) < FLASK_FROM])
def test_flask_stays_above_the_services(module: str) -> None:
    if module == "mingus.db":
        return
    flasks = {name for name in imported(OURS[module]) if name.split(".")[0].startswith("flask")}
    assert not flasks, f"{module} imports {flasks}"


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        name
        for name, path in OURS.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and ast.unparse(node).startswith("os.")
    }
    # the supervisor sets what its children read, gunicorn reads its own two variables, and the library that
    # counts takes its folder from nowhere else
    assert readers <= {"mingus.config", "mingus.run", "mingus.gunicorn_conf", "mingus.metrics"}


def test_no_file_outgrows_four_hundred_lines() -> None:
    kinds = {".py", ".js", ".css", ".html"}
    long = {
        str(path.relative_to(ROOT)): count
        for folder in ("mingus", "templates", "static", "tests", "bench", "migrations")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in kinds and (count := path.read_text(encoding="utf-8").count(os.linesep)) > 400
    }
    assert not long
