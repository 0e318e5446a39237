"""`make test`: bring the machine what the suites need, then lint, types and tests, pytest's closing line last."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of its own is made in it)
MEMORY_BYTES = 2 * 1024**3
SYSTEM_PACKAGES = {"postgresql": "PostgreSQL", "chromium": "Chromium"}
STEPS: dict[str, list[list[str]]] = {
    "lint": [
        [str(BIN / "ruff"), "check", "."],
        [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
        [str(BIN / "deptry"), "."],
        [str(BIN / "vulture")],
    ],
    "types": [[str(BIN / "mypy")]],
}


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def has_postgresql() -> bool:
    return bool(shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


def has_chromium() -> bool:
    return bool(shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome"))


def install_missing() -> None:
    """Install what the machine lacks where that is allowed; the suites themselves say what they had to skip."""
    missing = [
        name for name, there in (("postgresql", has_postgresql()), ("chromium", has_chromium())) if not there
    ]
    if not missing or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    tell(f"Installing {', '.join(SYSTEM_PACKAGES[name] for name in missing)} (once) ...")
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    for command in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "install", "-y", *missing]):
        if subprocess.run(command, check=False, **quiet).returncode != 0:  # type: ignore[call-overload]  # options as a mapping
            tell(f"Could not install {', '.join(missing)}.")
            return


def run_step(name: str) -> bool:
    started = time.monotonic()
    for command in STEPS[name]:
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            tell(f"{name}: {Path(command[0]).name} found something")
            return False
    tell(f"{name}: clean ({time.monotonic() - started:.0f} s)")
    return True


@contextmanager
def quick_environment() -> Iterator[dict[str, str]]:
    """Throw-away databases lie in memory, where a commit waits for no disk; what is compiled is compiled once."""
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    if "TMPDIR" in variables or not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < MEMORY_BYTES:
        yield variables
        return
    with tempfile.TemporaryDirectory(
        prefix="mingus-tests-", dir=MEMORY, ignore_cleanup_errors=True
    ) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL's own user passes through
        yield {**variables, "TMPDIR": folder}


def run_tests(paths: list[str]) -> int:
    """Everything runs in parallel; a test that fails is tried once more, and the summary names it as run again."""
    everything = ["-n", str(os.cpu_count() or 2), "--dist", "loadgroup", "--reruns", "1", "-rfEsxXR"]
    everything += ["--durations", "15"]
    command = [sys.executable, "-m", "pytest", "-q", *(paths or everything)]
    with quick_environment() as variables:
        return subprocess.run(command, cwd=ROOT, check=False, env=variables).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(STEPS))
    parser.add_argument("paths", nargs="*")
    options = parser.parse_args()
    if options.only:
        return 0 if run_step(options.only) else 1
    if options.paths:
        return run_tests(options.paths)
    install_missing()
    clean = [run_step(name) for name in STEPS]
    status = run_tests([])
    return status or (0 if all(clean) else 1)


if __name__ == "__main__":
    sys.exit(main())
