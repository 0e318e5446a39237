"""One Chromium for each process: Playwright's synchronous side can only be started once in it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# the windows' own pages, each a process that renders beside ours and that nobody sees, and what Playwright leaves
# out, whose list this one takes the place of
LEFT_OUT = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    *("AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync"),
    *("DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay"),
    *("MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"),
    *("TcpPortRandomizationWin", "ThirdPartyStoragePartitioning"),
)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",  # there is none, and one that is played by the processor costs more than it draws
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(LEFT_OUT)}",
)


class NoChromium(Exception):
    """No browser is installed here, or it does not start."""


class _Shared:
    """What is open in this process."""

    playwright: Playwright | None = None
    browser: Browser | None = None


def shared_chromium() -> Browser:
    """The browser of this process, started at first use; raises NoChromium."""
    if _Shared.browser is None:
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        if program is None:
            message = "none of chromium, chromium-browser or google-chrome is installed"
            raise NoChromium(message)
        _Shared.playwright = _Shared.playwright or sync_playwright().start()
        try:
            _Shared.browser = _Shared.playwright.chromium.launch(
                executable_path=program, args=list(ARGUMENTS)
            )
        except PlaywrightError as err:
            message = f"{program} does not start"
            raise NoChromium(message) from err
    return _Shared.browser


def close_chromium() -> None:
    """End it, at the end of the run."""
    if _Shared.browser is not None:
        _Shared.browser.close()
    if _Shared.playwright is not None:
        _Shared.playwright.stop()
    _Shared.browser = _Shared.playwright = None
