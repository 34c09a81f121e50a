"""The rules of the package that a reader would otherwise have to remember."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import orders.cloud

MODULES = sorted(Path(orders.cloud.__file__).parent.glob("*.py"))


def imports_of(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module


def test_only_the_transport_knows_the_http_library() -> None:
    users = {
        module.name
        for module in MODULES
        if {name.partition(".")[0] for name in imports_of(module)} & {"httpx", "httpcore", "h11"}
    }
    assert users == {"transport.py"}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_the_package_knows_nothing_of_the_portal(module: Path) -> None:
    roots = {name.partition(".")[0] for name in imports_of(module)}
    assert roots.isdisjoint({"django", "celery", "portal", "orders", "sandbox", "os"})
