"""Every way in: each route with each of its methods, and an address that leads there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Mapping

    from flask import Flask
    from werkzeug.routing import Rule

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
READING = frozenset({"GET"})


def walk(app: Flask, methods: Collection[str] = CHANGING | READING) -> list[tuple[Rule, str]]:
    """Each route with each of its methods that is one of these."""
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) & set(methods))
    ]


def address(app: Flask, rule: Rule, values: Mapping[str, str] | None = None, *, otherwise: str = "x") -> str:
    """Where a route is; names that `values` does not know are filled with `otherwise`."""
    known = values or {}
    return app.url_map.bind("localhost").build(
        rule.endpoint, {name: known.get(name, otherwise) for name in rule.arguments}
    )
