"""Templates of Link, the bank pages and the console, and their answers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from jinja2 import Environment
from jinja2 import FileSystemLoader
from jinja2 import StrictUndefined
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mingus.simulator.institutions import Institution

SIMULATOR = Path(__file__).parent.parent
TEMPLATES = (SIMULATOR / "link" / "templates", SIMULATOR / "console" / "templates")

TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}

# No frame-ancestors: Link must be embeddable anywhere, and shows nothing before its page speaks to it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'self'"
)


@cache
def templates() -> Environment:
    """The templates of Link and the console; undefined names are errors."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **context: Any) -> str:
    """The template as text."""
    return templates().get_template(template).render(context)


def page(
    template: str,
    *,
    status: int = 200,
    form_targets: Iterable[str] = (),
    embeddable: bool = False,
    **context: Any,
) -> Response:
    """The template as a page with its security headers.

    `form_targets` are origins that a form of the page ends at: browsers hold redirects to form-action too.
    """
    policy = " ".join((POLICY, *form_targets)) + ("" if embeddable else "; frame-ancestors 'none'")
    answer = Response(render(template, **context), status=status, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = policy
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


def static_file(content: bytes, suffix: str) -> Response:
    """A script or style sheet; other sites may load it, and ask each time whether it has changed."""
    return Response(
        content,
        content_type=TYPES[suffix],
        headers={
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )


def bank_view(institution: Institution) -> dict[str, Any]:
    """What templates show of a bank."""
    colour = institution.primary_color or "#0f6b66"
    return {
        "id": institution.institution_id,
        "name": institution.name,
        "initial": institution.name[:1].upper(),
        "brand": colour,
        "on_brand": ink_on(colour),
        "logo": f"/link/logo/{institution.institution_id}.png" if institution.has_logo else None,
        "site": (institution.url or "").removeprefix("https://"),
        "oauth": institution.oauth,
        "status": institution.status,
    }


def account_view(account: dict[str, Any]) -> dict[str, Any]:
    """What templates show of an account in Plaid's shape."""
    balances = account["balances"]
    currency = balances["iso_currency_code"] or balances["unofficial_currency_code"] or ""
    amount = balances["current"] if balances["current"] is not None else balances["available"]
    return {
        "id": account["account_id"],
        "name": account["name"],
        "kind": account["subtype"] or account["type"],
        "mask": account["mask"],
        "amount": None if amount is None else f"{amount:,.2f} {currency}".strip(),
    }


def ink_on(colour: str) -> str:
    """Black or white, whichever is easier to read on #rrggbb."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    # at this luminance both are equally far, and either has a contrast of 4.5 or more on its own side
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
