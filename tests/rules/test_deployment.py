"""What operators copy: files for supervisors, proxies and containers, held to the code and to their own tools."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
MIGRATIONS = sorted((ROOT / "migrations" / "versions").glob("[0-9]*.py"))
VARIABLE = re.compile(r"^# ?([A-Z][A-Z0-9_]+)=|^([A-Z][A-Z0-9_]+)=", re.MULTILINE)
OF_WEB = {"WEB_CONCURRENCY", "WEB_THREADS", "WEB_REQUEST_SECONDS"}
OF_OTHERS = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", *OF_WEB}


def known_variables() -> set[str]:
    names = VARIABLE.findall((ROOT / ".env.example").read_text(encoding="utf-8"))
    return {first or second for first, second in names}


def test_each_part_has_one_command_and_supervisors_use_the_same() -> None:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    parts = dict(line.split(": ", 1) for line in lines)
    assert set(parts) == {"migrate", "web", "worker", "simulator"}
    scaling = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    for command in ("python -m mingus.worker", "flask --app wsgi migrate", "python -m mingus.simulator"):
        assert any(line.startswith(command) for line in parts.values())
        assert command in scaling
    gunicorn = "python -m gunicorn -c python:mingus.gunicorn_conf"
    assert parts["web"].startswith(gunicorn)
    for unit, wanted in (
        ("mingus-web", gunicorn),
        ("mingus-worker@", "python -m mingus.worker"),
        ("mingus-migrate", "flask --app wsgi migrate"),
    ):
        text = (ROOT / "deploy" / "systemd" / f"{unit}.service").read_text(encoding="utf-8")
        assert f"ExecStart=/opt/mingus/.venv/bin/{wanted}" in text


def test_every_variable_in_these_files_is_one_that_is_read() -> None:
    known = known_variables() | OF_OTHERS
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    used = {name for part in compose["services"].values() for name in part.get("environment", {})}
    used |= set(re.findall(r"^Environment=([A-Z_]+)=", "".join(unit.read_text() for unit in UNITS), re.M))
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    used |= set(re.findall(r"\b([A-Z][A-Z_]+)=", dockerfile))
    unknown = {name for name in used if not name.startswith("POSTGRES_")} - known
    assert {name.removesuffix("_FILE") for name in unknown} <= known


def test_containers_run_as_nobody_much_and_write_to_one_place() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    for name in ("migrate", "web", "worker"):
        part = compose["services"][name]
        assert part["read_only"] is True
        assert part["cap_drop"] == ["ALL"]
        assert set(part["secrets"]) <= set(compose["secrets"])
    assert re.search(r"^USER mingus$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert not any(line.startswith(("!.env", "!secrets", "!var")) for line in ignored)


def test_the_image_gets_the_same_packages_and_redis() -> None:
    pinned = {
        name: set(re.findall(r"^([a-z0-9._\[\]-]+==[^ ]+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-server.txt")
    }
    more = pinned["requirements-server.txt"] - pinned["requirements.txt"]
    assert pinned["requirements.txt"] < pinned["requirements-server.txt"]
    assert {line.partition("==")[0] for line in more} <= {"redis", "async-timeout"}


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not on this machine")
    python = shutil.which("python3") or ""
    for unit in UNITS:
        text = re.sub(r"/opt/mingus/.venv/bin/\w+", python, unit.read_text(encoding="utf-8"))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    command = [verify, "verify", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "Unknown" not in done.stderr
    assert done.returncode == 0, done.stderr


def test_nginx_accepts_its_file(tmp_path: Path) -> None:
    nginx, openssl = shutil.which("nginx"), shutil.which("openssl")
    if nginx is None or openssl is None:
        pytest.skip("nginx or openssl is not on this machine")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    names = ["-subj", "/CN=money.example.com", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, *make, *names], check=True, capture_output=True)
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    text = re.sub(r"(ssl_certificate) \S+;", rf"\1 {certificate};", text)
    text = re.sub(r"(ssl_certificate_key) \S+;", rf"\1 {key};", text)
    text = text.replace("/etc/nginx/mingus_proxy.conf", str(ROOT / "deploy" / "mingus_proxy.conf"))
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{text}\n}}\n", encoding="utf-8")
    done = subprocess.run([nginx, "-t", "-c", str(whole)], check=False, capture_output=True, text=True)
    assert "syntax is ok" in done.stderr, done.stderr


@pytest.mark.parametrize("path", MIGRATIONS, ids=[path.stem for path in MIGRATIONS])
def test_code_from_before_a_migration_works_after_it(path: Path) -> None:
    """While web processes are replaced one by one, old code meets the new schema: nothing it needs may go.

    A migration that can't keep to this says so in `breaks`, and docs/production.md says how to deploy it.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "breaks" for node in tree.body):
        return
    upgrade = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    made = {
        ast.literal_eval(call.args[0])
        for call in calls(upgrade)
        if name_of(call) == "create_table" and isinstance(call.args[0], ast.Constant)
    }
    for call in calls(upgrade):
        name = name_of(call)
        if name in {"drop_column", "drop_table", "rename_table"}:
            assert name == "drop_table", ast.unparse(call)
            assert ast.literal_eval(call.args[0]) in made, ast.unparse(call)
        given = {word.arg: ast.unparse(word.value) for word in call.keywords}
        if name == "alter_column":
            assert "new_column_name" not in given, ast.unparse(call)
            assert given.get("nullable") != "False" or "server_default" in given, ast.unparse(call)
        if name == "add_column":
            column = next(arg for arg in call.args if isinstance(arg, ast.Call))
            options = {word.arg: ast.unparse(word.value) for word in column.keywords}
            needs = options.get("nullable") == "False"
            assert not needs or "server_default" in options, ast.unparse(call)


def calls(function: ast.FunctionDef) -> list[ast.Call]:
    return [node for node in ast.walk(function) if isinstance(node, ast.Call)]


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""
