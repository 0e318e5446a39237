"""`python -m mingus.simulator`: the simulator as a program of its own."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mingus.simulator.config import LOOPBACK
from mingus.simulator.config import Config
from mingus.simulator.config import ConfigRefused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; the exit status says whether it could start."""
    options = _parser().parse_args(arguments)
    try:
        return serve(_config(options))
    except ConfigRefused as refusal:
        print(f"simulator: {refusal}", file=sys.stderr)  # noqa: T201 - the one line that says why
        return 2


def serve(config: Config) -> int:
    """Serve in this thread until SIGTERM or SIGINT."""
    # Imported late so that a wrong option is told at once.
    from mingus.simulator.server import Server
    from mingus.simulator.wsgi import create_app

    app = create_app(config)
    try:
        server = Server(app, config)

        def stop(_signal: int, _frame: FrameType | None) -> None:
            raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, stop)
        print(f"Plaid simulator listening on {server.url}", flush=True)  # noqa: T201 - what starters wait for
        if config.host not in LOOPBACK:
            print("simulator: reachable from other machines; everything in it is public", file=sys.stderr)  # noqa: T201
        try:
            server.serve_forever(0.1)
        except KeyboardInterrupt:
            server.server_close()
    finally:
        app.sim.close()
    return 0


def _config(options: argparse.Namespace) -> Config:
    return Config(
        host=options.host,
        port=options.port,
        state=options.state,
        seed=options.seed,
        clock=options.clock,
        client_id=options.client_id,
        secret=options.secret,
        rate_limits=options.rate_limits == "on",
        scenario=options.scenario,
        public_url=options.public_url,
        initial_seconds=options.initial_seconds,
        historical_seconds=options.historical_seconds,
        check_hours=options.check_hours,
        login_days=options.login_days,
        signing_time=options.signing_time,
        oauth_mode=options.oauth_mode,
        redirect_uris=tuple(options.redirect_uri),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mingus.simulator", description="Plaid without Plaid")
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    add("--port", type=int, default=5001, help="port to listen on; 0 takes a free one (default: 5001)")
    add("--state", type=Path, metavar="FILE", help="keep the state in this SQLite file (default: in memory)")
    add(
        "--seed",
        type=int,
        default=1,
        help="the world to make; the same seed makes the same world (default: 1)",
    )
    add("--scenario", metavar="NAME", help="a story to tell to every new item, or a file with one (.toml)")
    add("--clock", default="real", help="'real' or 'frozen:2026-05-04T12:00:00Z' (default: real)")
    add("--client-id", default="simulator", help="the client_id that is accepted (default: simulator)")
    add("--secret", default="simulator", help="the secret that is accepted (default: simulator)")
    add(
        "--rate-limits",
        choices=("on", "off"),
        default="off",
        help="enforce Plaid's sandbox rate limits (default: off)",
    )
    add(
        "--public-url",
        help="the URL under which clients see the simulator, when it is not the one listened on",
    )
    add(
        "--initial-seconds",
        type=float,
        default=1.0,
        help="time until the first 30 days are there (default: 1)",
    )
    add("--historical-seconds", type=float, default=3.0, help="time until all history is there (default: 3)")
    add("--check-hours", type=float, default=6.0, help="how often banks are asked for news (default: 6)")
    add(
        "--login-days",
        type=int,
        help="days until logins must be renewed; Plaid's sandbox: 30 (default: never)",
    )
    add(
        "--signing-time",
        choices=("wall", "virtual"),
        default="wall",
        help="time that webhook signatures carry",
    )
    add(
        "--oauth-mode", choices=("popup", "redirect"), default="popup", help="how Link leaves for OAuth banks"
    )
    add(
        "--redirect-uri",
        action="append",
        default=[],
        help="an allowed OAuth redirect URI; repeatable (default: any)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
