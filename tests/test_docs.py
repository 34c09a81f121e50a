"""The documents say what the code does: links, commands, environment names, numbers of decisions."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orders.management.commands import state_diagram
from portal.config import ROOT, Config

NOT_OURS = {".venv", ".git", "var", "node_modules"}
DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if not NOT_OURS & set(path.relative_to(ROOT).parts))
FORBIDDEN = ("pypi.org", "files.pythonhosted", "npmjs")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`((?:orders|portal|sandbox|tests|docs|bench|templates|static)/[\w./-]*)`")
ROW = re.compile(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`|–) \|", re.MULTILINE)

named = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def code_of(document: Path) -> str:
    """What is set in code: the places where a command is a command."""
    text = document.read_text()
    return "\n".join([*FENCE.findall(text), *re.findall(r"`([^`\n]+)`", FENCE.sub("", text))])


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(document: Path) -> Iterator[tuple[Path, str]]:
    for target in LINK.findall(FENCE.sub("", document.read_text())):
        if not re.match(r"[a-z]+:", target):
            name, _, anchor = target.partition("#")
            yield (document.parent / name if name else document), anchor


def test_there_are_documents() -> None:
    names = {str(path.relative_to(ROOT)) for path in DOCUMENTS}
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md", "docs/operations.md"} <= names


@named
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = [str(path) for path, anchor in links(document) if not path.exists() or (anchor and path.is_dir())]
    assert not broken
    assert not [anchor for path, anchor in links(document) if anchor and anchor not in anchors(path)]


@named
def test_every_target_of_make_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    mentioned = set(re.findall(r"(?:^|\s)make ([a-z]+)", code_of(document), re.MULTILINE))
    assert mentioned <= targets


@named
def test_every_command_of_manage_exists(document: Path) -> None:
    from django.core.management import get_commands

    assert set(re.findall(r"manage\.py ([a-z_]+)", code_of(document))) <= set(get_commands())


@named
def test_every_file_that_is_named_exists(document: Path) -> None:
    assert not [path for path in FILE.findall(document.read_text()) if not (ROOT / path).exists()]


@named
def test_no_document_names_a_package_registry(document: Path) -> None:
    assert not [word for word in FORBIDDEN if word in document.read_text()]


def test_the_readme_explains_every_variable_and_no_other() -> None:
    explained = [name for name, _default in ROW.findall((ROOT / "README.md").read_text())]
    assert len(explained) == len(set(explained))
    assert set(explained) == {name.upper() for name in Config.model_fields} | {"SECRETS_DIR"}


def test_the_readme_gives_the_real_defaults() -> None:
    for name, shown in ROW.findall((ROOT / "README.md").read_text()):
        if name != "SECRETS_DIR":
            assert shown == as_shown(Config.model_fields[name.lower()].default), name


def as_shown(default: object) -> str:
    match default:
        case None:
            return ""
        case Path():
            return str(default.relative_to(ROOT))
        case float():
            return f"{default:g}"
    return str(default)


def test_the_page_of_statuses_is_current() -> None:
    assert state_diagram.PAGE.read_text() == state_diagram.render()


def test_decisions_are_numbered_without_gaps() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for number, path in enumerate(records, 1):
        text = path.read_text()
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_every_start_up_check_is_explained() -> None:
    pattern = re.compile(r"orders\.E\d{3}")
    explained = set(pattern.findall((ROOT / "docs" / "operations.md").read_text()))
    assert explained == set(pattern.findall((ROOT / "orders" / "checks.py").read_text()))


def test_ci_runs_what_the_documents_say() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text()
    assert "set -euo pipefail" in text
    assert "||" not in text
    assert re.findall(r"^run make (\w+)$", text, re.MULTILINE) == ["check", "test"]
    subprocess.run(["bash", "-n", script], check=True)
