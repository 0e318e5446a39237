"""What every command does with a failure of ours: one line, no traceback, a status that tells."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING
from typing import ParamSpec
from typing import TypeVar

import click

from mingus.auth.passwords import WeakPassword
from mingus.errors import MingusError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def in_one_line(command: Callable[P, R]) -> Callable[P, R]:
    """Tell our own failures in a line instead of a traceback."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (MingusError, WeakPassword) as err:
            raise click.ClickException(str(err) or str(err.__doc__)) from err

    return wrapper
