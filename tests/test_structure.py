"""The rules that a reader would otherwise have to remember."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter, PathConverter, SlugConverter, StringConverter, UUIDConverter

from orders import append_only
from portal.config import ROOT

OURS = [path for folder in ("orders", "portal", "sandbox") for path in sorted((ROOT / folder).rglob("*.py"))]
DOMAIN = [path for path in OURS if path.is_relative_to(ROOT / "orders") and "migrations" not in path.parts]
CLOUD = [path for path in DOMAIN if path.is_relative_to(ROOT / "orders" / "cloud")]
ACTIONS = sorted((ROOT / "orders" / "actions").glob("*.py"))
VIEWS = sorted((ROOT / "orders" / "views").glob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MOVES = ROOT / "orders" / "actions" / "moves.py"
ORDERING = ROOT / "orders" / "actions" / "ordering.py"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), name_of(path))


def calls(node: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call below `node`, with what is called as it is written."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            yield ast.unparse(each.func), each


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


# ---------------------------------------------------------------- statuses


def status_writes(path: Path) -> list[str]:
    """Where a status might be written: an assignment to `.status`, or rows written past a verb."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [
                ast.unparse(each) for each in targets if isinstance(each, ast.Attribute) and each.attr == "status"
            ]
    for called, call in calls(tree(path)):
        writes = called.rpartition(".")[2] in ("update", "create", "get_or_create", "update_or_create", "Order")
        names = {keyword.arg for keyword in call.keywords}
        if writes and ("status" in names or (None in names and "Order" in called)):
            found.append(ast.unparse(call))
        if called.endswith(("bulk_update", "setattr")) and path != MOVES:
            found.append(ast.unparse(call))
        if re.search(r"(^|\.)order\.save$", called) and "status" in ast.unparse(call).partition("update_fields")[2]:
            found.append(ast.unparse(call))
    return found


@pytest.mark.parametrize("path", [path for path in DOMAIN if path not in [*CLOUD, MOVES]], ids=name_of)
def test_only_one_function_writes_a_status(path: Path) -> None:
    assert status_writes(path) == []


def test_that_one_function_is_seen() -> None:
    assert status_writes(MOVES) == [
        "Order.objects.filter(pk=order.pk, version=order.version, status=before).update(**changes)"
    ]


def test_an_order_is_created_and_saved_in_one_place() -> None:
    made = [name_of(path) for path in DOMAIN for called, _call in calls(tree(path)) if called == "Order.objects.create"]
    saved = {
        (name_of(path), ast.unparse(call))
        for path in DOMAIN
        for called, call in calls(tree(path))
        if re.search(r"(^|\.)order\.save$", called)
    }
    assert made == [name_of(ORDERING)]
    assert saved == {(name_of(ORDERING), "order.save(update_fields=['revision', 'fingerprint'])")}


WRITERS = {"move", "record", "moves.move", "moves.record"}


def is_transaction(function: ast.FunctionDef) -> bool:
    decorated = any(ast.unparse(each).startswith(("verb(", "transaction.atomic")) for each in function.decorator_list)
    begins = any(called == "transaction.atomic" for called, _call in calls(function))
    return decorated or begins or (ast.get_docstring(function) or "").startswith("Inside a transaction:")


@pytest.mark.parametrize("path", [path for path in ACTIONS if path != MOVES], ids=name_of)
def test_every_verb_is_one_transaction(path: Path) -> None:
    for function in tree(path).body:
        if isinstance(function, ast.FunctionDef) and not function.name.startswith("_"):
            writes = any(
                called in WRITERS or called.endswith((".objects.create", ".objects.bulk_create", "save"))
                for called, _call in calls(function)
            )
            assert not writes or is_transaction(function), f"{name_of(path)}: {function.name}"


def test_every_denied_verb_is_recorded() -> None:
    """A function that checks a permission is a verb: only `verb` turns a denial into an event."""
    checking = [
        (path, function)
        for path in [*ACTIONS, ROOT / "orders" / "reconciling.py", ROOT / "orders" / "purchasing.py"]
        for function in tree(path).body
        if isinstance(function, ast.FunctionDef)
        and any(called.startswith("permissions.check") for called, _call in calls(function))
    ]
    shared = {"_decide"}
    bare = [
        function.name
        for _path, function in checking
        if not any(ast.unparse(each).startswith("verb(") for each in function.decorator_list)
    ]
    assert len(checking) > 8
    assert set(bare) <= shared


# ---------------------------------------------------------------- who knows whom


@pytest.mark.parametrize("path", CLOUD, ids=name_of)
def test_the_cloud_client_knows_neither_django_nor_the_domain(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] in ("django", "celery", "portal")}
    assert not {name for name in imports(path) if name.startswith("orders") and not name.startswith("orders.cloud")}


@pytest.mark.parametrize("path", [path for path in OURS if not path.is_relative_to(ROOT / "sandbox")], ids=name_of)
def test_nobody_imports_the_sandbox(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] in ("sandbox", "tests", "bench")}


@pytest.mark.parametrize("path", [ROOT / "orders" / "states.py", ROOT / "orders" / "errors.py"], ids=name_of)
def test_the_table_and_the_errors_import_nothing_of_ours(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] in ("orders", "portal", "sandbox")}


HTTP = {"httpx", "httpcore", "requests", "urllib3", "aiohttp", "h11"}
SPEAKS = {"orders/cloud/transport.py", "orders/cloud/reader.py", "portal/stack.py"}


@pytest.mark.parametrize("path", [path for path in OURS if name_of(path) not in SPEAKS], ids=name_of)
def test_only_the_transport_speaks_http(path: Path) -> None:
    found = imports(path)
    assert not {name for name in found if name.split(".")[0] in HTTP}
    assert "http.client" not in found
    assert path.is_relative_to(ROOT / "sandbox") or not {name for name in found if name.startswith("urllib.request")}


# ---------------------------------------------------------------- views


TAKES = (
    ["request"],
    ["request", "number"],
    ["request", "product"],
    ["request", "pk"],
    ["request", "number", "revision"],
)


def views_in(path: Path) -> set[str]:
    """Public functions that turn a request, and what the address names, into a response."""
    return {
        f"{path.stem}.{node.name}"
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and [argument.arg for argument in node.args.args] in TAKES
        and ast.unparse(node.returns or ast.Constant(None)) == "HttpResponse"
    }


def routed() -> set[str]:
    urls = tree(ROOT / "orders" / "urls.py")
    return {ast.unparse(call.args[1]) for called, call in calls(urls) if called == "path"}


def test_every_view_has_an_address_and_every_address_a_view() -> None:
    assert set().union(*(views_in(path) for path in VIEWS)) == routed()


@pytest.mark.parametrize("path", VIEWS, ids=name_of)
def test_every_view_says_which_methods_it_takes(path: Path) -> None:
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef) and f"{path.stem}.{node.name}" in routed():
            decorators = {ast.unparse(each).partition("(")[0] for each in node.decorator_list}
            assert decorators & {"require_safe", "require_POST", "require_http_methods"}, node.name
            assert "login_not_required" not in decorators


@pytest.mark.parametrize("path", VIEWS, ids=name_of)
def test_no_view_writes(path: Path) -> None:
    forbidden = ("objects.create", ".save", ".update(", "bulk_create", ".delete")
    assert not [
        called for called, _call in calls(tree(path)) if f"{called}(".endswith(forbidden) or called.endswith(forbidden)
    ]


# ---------------------------------------------------------------- addresses

FREE = {"sign-in", "set_language", "health", "demo-sign-in", "admin:login"}
"""All that answers to somebody who has not signed in."""
SAMPLES = {
    IntConverter: "1",
    StringConverter: "certificate",
    SlugConverter: "certificate",
    PathConverter: "1",
    UUIDConverter: "0" * 8 + "-0000-0000-0000-" + "0" * 12,
}


def addresses(resolver: URLResolver, prefix: str = "/", spaces: str = "") -> Iterator[tuple[str, str]]:
    """Name and a sample address of every pattern."""
    for each in resolver.url_patterns:
        text = str(each.pattern)
        for name, converter in each.pattern.converters.items():
            text = re.sub(rf"<(\w+:)?{name}>", SAMPLES[type(converter)], text)
        text = re.sub(r"\(\?P<[^>]+>[^)]*\)", "x", text).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        if isinstance(each, URLResolver):
            namespace = f"{spaces}{each.namespace}:" if each.namespace else spaces
            yield from addresses(each, prefix + text, namespace)
        elif isinstance(each, URLPattern):
            yield f"{spaces}{each.name or text}", prefix + text


ADDRESSES = list(addresses(get_resolver()))


def test_the_addresses_are_known() -> None:
    assert len(ADDRESSES) > 30
    assert ("order", "/orders/1/") in ADDRESSES
    assert {name for name, _address in ADDRESSES} >= FREE - {"demo-sign-in"}


@pytest.mark.parametrize(("name", "address"), [each for each in ADDRESSES if each[0] not in FREE])
@pytest.mark.django_db
def test_whoever_has_not_signed_in_is_sent_to_sign_in(client: Client, name: str, address: str) -> None:
    for method in (client.get, client.post, client.put, client.delete):
        response = method(address)
        assert response.status_code == 302
        assert response.headers["Location"].split("?")[0] in (reverse("sign-in"), reverse("admin:login"))


# ---------------------------------------------------------------- templates

INLINE = {
    "a script": r"<script(?![^>]*\bsrc=)(?![^>]*application/json)",
    "a style": r"<style\b|\sstyle\s*=",
    "an event handler": r"<[^>]*\son[a-z]+\s*=",
    "an htmx expression": r"hx-on|hx-vals\s*=\s*[\"']js:|hx-trigger\s*=\s*[\"'][a-z:]+\[",
    "a script address": r"javascript:",
    "unescaped text": r"\|\s*safe\b|autoescape\s+off|\|\s*safeseq",
    "another host": r"(src|href|action)\s*=\s*[\"'](https?:)?//",
    "a task for later": r"\b(TODO|FIXME)\b",
}


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_holds_nothing_that_the_content_policy_forbids(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", "", path.read_text(), flags=re.DOTALL)
    assert [what for what, pattern in INLINE.items() if re.search(pattern, text, re.IGNORECASE)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_every_form_that_posts_is_guarded(path: Path) -> None:
    for form in re.findall(r"<form\b.*?</form>", path.read_text(), re.DOTALL | re.IGNORECASE):
        opening = form.partition(">")[0]
        if re.search(r"method\s*=\s*[\"']?post", opening, re.IGNORECASE):
            assert "csrf_token" in form
            assert "hx-post" not in opening or "action=" in opening


# ---------------------------------------------------------------- the source


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_the_source_prints_nothing_and_promises_nothing(path: Path) -> None:
    if name_of(path) not in ("portal/stack.py", "sandbox/__main__.py"):
        assert "print" not in {called for called, _call in calls(tree(path))}
    assert not re.search(r"\b(TODO|FIXME|HACK)\b", path.read_text())
    assert "mark_safe" not in path.read_text()


# ---------------------------------------------------------------- the database


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
@pytest.mark.parametrize("table", append_only.TABLES)
def test_every_append_only_table_is_guarded_by_the_database(table: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", [table]
            )
            expected = {(f"{table}_no_change", "A"), (f"{table}_no_truncate", "A")}
        else:
            cursor.execute("SELECT name, 'A' FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
            expected = {(f"{table}_{rule}", "A") for rule in ("no_update", "no_delete", "no_replace")}
        assert set(cursor.fetchall()) == expected
