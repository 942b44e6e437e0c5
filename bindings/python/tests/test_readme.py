"""Every snippet of the README runs, in its order, against the simulated Webex."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import webex_oauth
from conftest import SCOPE, Simulator

HERE = Path(__file__).parent.parent
README = HERE / "README.md"
#: The tests run beside the installed package; the other pages are in the repository.
SOURCES = Path(os.environ.get("WEBEX_OAUTH_SOURCES") or HERE.parent.parent)


def test_every_snippet_runs(simulator: Simulator, tmp_path: Path) -> None:
    simulator.options(auto_decision="accept", allow_any_redirect_uri=True)
    snippets = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(snippets) >= 9
    base = simulator.url("/v1")
    prelude = (
        "import threading, urllib.request, webbrowser\n"
        "def visit(url):\n"
        "    threading.Thread(target=lambda: urllib.request.urlopen(url).read(), daemon=True).start()\n"
        "    return True\n"
        "webbrowser.open = visit\n"
        "import os, webexpythonsdk\n"
        "webexpythonsdk.WebexAPI.__init__.__kwdefaults__ or None\n"
    )
    parts = [f"print('--- {number}')\n{snippet}" for number, snippet in enumerate(snippets)]
    program = (prelude + "\n".join(parts)).replace("https://webexapis.com/v1/people", f"{base}/people")
    program = program.replace(
        "WebexAPI(access_token=client.token())", f"WebexAPI(access_token=client.token(), base_url={base + '/'!r})"
    )
    script = tmp_path / "readme.py"
    script.write_text(program, encoding="utf-8")
    info = simulator.info
    query = (
        f"client_id={info['client_id']}&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&scope={SCOPE.replace(' ', '+')}"
    )
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("WEBEX_", "CLIENT_"))},
        "WEBEX_AUTHORIZATION_STRING": f"{base}/authorize?{query}",
        "WEBEX_CLIENT_SECRET": info["client_secret"],
        "WEBEX_SESSION_FILE": str(tmp_path / "default.session"),
    }
    done = subprocess.run([sys.executable, str(script)], env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Ada Lovelace") == 7
    assert "wrong_state" in done.stdout and "renewed" in done.stdout


def table(title: str) -> list[list[str]]:
    """The rows of the table below a heading of CONFIGURATION.md."""
    text = (SOURCES / "bindings/python/CONFIGURATION.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {title}")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def names(rows: list[list[str]]) -> list[str]:
    return [name for row in rows for name in re.findall(r"`(\w+)`", row[0])]


def keywords(function: str) -> set[str]:
    """Those of a class's or method's signature in the stub."""
    tree = ast.parse(Path(webex_oauth.__file__).with_name("_core.pyi").read_text(encoding="utf-8"))
    owner, method = function.split(".")
    [found] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner]
    [signature] = [node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == method]
    return {argument.arg for argument in signature.args.args + signature.args.kwonlyargs} - {"cls", "self"}


@pytest.mark.parametrize(
    ("title", "function"),
    [
        ("`Config(", "Config.__new__"),
        ("`Provider`", "Provider.replace"),
        ("`RefreshPolicy(", "RefreshPolicy.__new__"),
    ],
)
def test_the_tables_of_parameters_are_those_of_the_code(title: str, function: str) -> None:
    assert sorted(names(table(title))) == sorted(keywords(function))


def test_the_defaults_in_the_tables_are_those_of_the_code() -> None:
    config = webex_oauth.Config("C1", redirect_uri="https://app.example/cb")
    defaults = {row[0].strip("`"): row[2] for row in table("`Config(")}
    assert defaults["login_lifetime"] == f"{config.login_lifetime.total_seconds():.0f} s"
    assert defaults["request_timeout"] == f"{config.request_timeout.total_seconds():.0f} s"
    assert (config.renewal, config.downscope_failure) == ("grant", "refuse")
    policy = webex_oauth.RefreshPolicy()
    for row in table("`RefreshPolicy("):
        for name, said in zip(names([row]), re.findall(r"\(.*\)|[^,]+", row[1]), strict=True):
            value = getattr(policy, name)
            shown = f"{value.total_seconds():.0f} s" if hasattr(value, "total_seconds") else f"{value}"
            assert said.strip(" `") == shown, name


def test_the_programs_about_other_servers_run(simulator: Simulator, tmp_path: Path) -> None:
    page = (SOURCES / "docs/providers.md").read_text(encoding="utf-8")
    programs = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    program = programs.replace("https://id.example.com/realms/staff", simulator.base)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif("WEBEX_OAUTH_SOURCES" not in os.environ, reason="the page is in the sources")
def test_every_snippet_of_the_page_about_stores_runs(tmp_path: Path) -> None:
    page = Path(os.environ["WEBEX_OAUTH_SOURCES"]) / "docs" / "python-stores.md"
    snippets = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(snippets) >= 3
    command = [sys.executable, "-W", "error", "-c", "\n".join(snippets)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("SignedOut") == 3


@pytest.mark.skipif("WEBEX_OAUTH_SOURCES" not in os.environ, reason="the page is in the sources")
def test_the_page_of_recipes_shows_them_as_they_are_run() -> None:
    page = (SOURCES / "docs" / "recipes.md").read_text(encoding="utf-8")
    python = [(path, "py") for path in (SOURCES / "bindings/python/examples/web").glob("*.py")]
    rust = [(SOURCES / f"adapters/async/examples/{name}.rs", "rust,ignore") for name in ("actix-web", "axum")]
    recipes = [*python, *rust]
    assert len(recipes) == 5
    for path, language in recipes:
        name, text = path.relative_to(SOURCES).as_posix(), path.read_text(encoding="utf-8")
        assert f"[`{name}`](../{name})\n\n```{language}\n{text}```\n" in page, f"docs/recipes.md shows another {name}"
