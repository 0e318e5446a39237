"""Security headers on every answer: the browser may do what a page needs and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import MutableMapping

    from flask import Response

    from mingus.config import Settings

HSTS_SECONDS = 2 * 365 * 24 * 3600
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()"
# not "cookies": they carry the sentence that the next page shows, and the session's row is gone anyway
CLEAR_SITE_DATA = '"cache", "storage"'
LINK_MARK = "mingus_link_page"

BASE_POLICY: Mapping[str, str] = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "connect-src": "'self'",
    "font-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "img-src": "'self' data:",
    "manifest-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "report-uri": "/browser-reports",
    "report-to": "browser",
}
# a text becomes elements in one place of ours only; Plaid's script knows nothing of this, so its pages go without
TRUSTED_TYPES = {"require-trusted-types-for": "'script'", "trusted-types": "mingus"}


def policy(settings: Settings, *, link: bool) -> str:
    """The content security policy; pages that link a bank may also load Link from its documented origins."""
    directives = dict(BASE_POLICY)
    if link:
        directives["script-src"] += f" {settings.link_script_url}"
        directives["frame-src"] = f"{settings.link_origin}/"
        directives["connect-src"] += f" {settings.plaid_host}/"
    else:
        directives.update(TRUSTED_TYPES)
    if settings.https:
        directives["upgrade-insecure-requests"] = ""
    return "; ".join(f"{name} {value}".strip() for name, value in directives.items())


class SecurityHeaders:
    """Sets the headers; the two policies are composed once."""

    def __init__(self, settings: Settings) -> None:
        self._common = _common(settings)
        self._plain = {
            **self._common,
            "Content-Security-Policy": policy(settings, link=False),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Reporting-Endpoints": 'browser="/browser-reports"',
        }
        self._link = {
            **self._plain,
            "Content-Security-Policy": policy(settings, link=True),
            # the way back from a bank's pop-up window needs its opener
            "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
        }

    def on_response(self, response: Response, *, link: bool) -> None:
        """For a page or an API answer: never cached, since it is somebody's."""
        response.headers.extend(self._link if link else self._plain)
        response.headers.setdefault("Cache-Control", "no-store")

    def on_static(self, headers: MutableMapping[str, str], path: str, url: str) -> None:  # noqa: ARG002 (WhiteNoise's signature)
        """For a static file, which is public and cached by its hashed path."""
        for name, words in self._common.items():
            headers[name] = words
        headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def _common(settings: Settings) -> dict[str, str]:
    headers = {
        "X-Content-Type-Options": "nosniff",
        "X-Permitted-Cross-Domain-Policies": "none",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": PERMISSIONS,
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if settings.https:
        headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}; includeSubDomains"
    return headers
