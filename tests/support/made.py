"""What an application makes at its first start in a folder: deliverable files and compiled texts, once for a run."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "MINGUS_TEST_MADE"
MADE = ("static", "texts")


def share(folder: Path) -> Path:
    """The data folder, in which an application finds what another one of this run has made."""
    made = os.environ.get(FOLDER_VARIABLE)
    if made:
        for name in MADE:
            place = Path(made) / name
            place.mkdir(exist_ok=True)
            if not (folder / name).exists():
                (folder / name).symlink_to(place)
    return folder
