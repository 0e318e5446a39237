"""Static files under a path that carries the hash of all of them, compressed ahead, cached for ever.

The version is in the path and not in a query, so that the relative imports of JavaScript modules are fresh too.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import brotli

from mingus.web import appicon

VERSION_LENGTH = 12
EXTENSION = "mingus.static"
COMPRESSED = frozenset({".css", ".js", ".svg", ".json", ".txt", ".webmanifest"})
IMPORT = re.compile(r"""@import\s+(?:url\()?["']([^"']+)["']\)?\s*(?:layer\(([\w.-]+)\))?\s*;""")
FOR_EVER = 365 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFiles:
    """The delivered files: where they are and what their version is."""

    root: Path
    version: str

    @property
    def prefix(self) -> str:
        return f"/static/v-{self.version}"

    def url(self, path: str) -> str:
        """The address of one file; raises FileNotFoundError for one that isn't there."""
        if not (self.root / path).is_file():
            raise FileNotFoundError(path)
        return f"{self.prefix}/{path}"


def version_of(source: Path) -> str:
    """The hash of all names and contents."""
    digest = hashlib.sha256()
    for path in sorted(source.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(source).as_posix()}\0".encode())
            digest.update(path.read_bytes())
            digest.update(b"\0")
    return digest.hexdigest()[:VERSION_LENGTH]


def inline_imports(sheet: Path) -> str:
    """A style sheet with its `@import`s replaced by what they name, each inside its layer: one request, not thirty."""

    def replace(match: re.Match[str]) -> str:
        text = inline_imports(sheet.parent / match[1])
        return f"@layer {match[2]} {{\n{text}\n}}" if match[2] else text

    return IMPORT.sub(replace, sheet.read_text(encoding="utf-8"))


def prepare(source: Path, target: Path) -> StaticFiles:
    """Deliverable copies under `target`, made once for each version; on a read-only disk in a temporary folder."""
    version = version_of(source)
    try:
        return StaticFiles(root=_deliver(source, target / version), version=version)
    except OSError:
        folder = Path(tempfile.gettempdir()) / "mingus-static" / version
        return StaticFiles(root=_deliver(source, folder), version=version)


def _deliver(source: Path, folder: Path) -> Path:
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".static-", dir=folder.parent))
    try:
        _fill(source, draft)
        draft.chmod(0o755)
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not folder.is_dir():  # another process may have been faster
            raise
    return folder


def _fill(source: Path, draft: Path) -> None:
    for path in sorted(source.rglob("*")):
        if not path.is_file():
            continue
        copy = draft / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        content = inline_imports(path).encode() if path.suffix == ".css" else path.read_bytes()
        copy.write_bytes(content)
        if path.suffix in COMPRESSED:
            copy.with_name(f"{copy.name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
            copy.with_name(f"{copy.name}.br").write_bytes(brotli.compress(content))
    for icon in appicon.ICONS:
        (draft / icon.path).write_bytes(appicon.png(icon))
