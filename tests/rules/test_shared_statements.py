"""Statements that threads share: whole before the first of them sees one."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILLED_LATER = {"aliased", "alias", "subquery", "cte", "lateral"}


def test_no_module_holds_what_sqlalchemy_fills_at_its_first_use() -> None:
    """Its columns are found one by one then, and a second thread takes those that are there for all."""
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "mingus").rglob("*.py"))
        for line in held_by(ast.parse(path.read_text()))
    ]
    assert not found


def held_by(module: ast.Module) -> list[int]:
    at_import = [one for one in module.body if isinstance(one, ast.Assign | ast.AnnAssign | ast.Expr)]
    calls = [one for top in at_import for one in ast.walk(top) if isinstance(one, ast.Call)]
    return [call.lineno for call in calls if ast.unparse(call.func).rpartition(".")[2] in FILLED_LATER]


def test_the_rule_finds_one() -> None:
    assert held_by(ast.parse("import x\na, b = orm.aliased(A), 3\nc = select(b).subquery().c")) == [2, 3]


def test_what_sqlalchemy_warns_of_is_refused() -> None:
    """Of a product of two tables it only warns, and the sums would be wrong."""
    warned = "import warnings, mingus.db; from sqlalchemy.exc import SAWarning; warnings.warn('x', SAWarning)"
    process = subprocess.run([sys.executable, "-c", warned], capture_output=True, text=True, check=False)
    assert "SAWarning: x" in process.stderr
    assert process.returncode == 1
