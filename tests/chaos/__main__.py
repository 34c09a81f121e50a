"""`python -m tests.chaos [--short] [--share PART] [--seed N] [--only LAYER]`: every layer, and its figures as a table.

The table and everything that is wrong go to var/chaos.md. Layers in which processes meet run on PostgreSQL too, where
DATABASE_URL names a server (`python -m tests.with_postgres`).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime

import django

import tests.environment

assert tests.environment  # before the settings
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
django.setup()  # the layers' tables name models; nothing here opens a database

from tests.chaos.layers import LAYERS, LONG, ON_POSTGRESQL, SHORT, Form, Found  # noqa: E402
from tests.sandbox_process import ROOT  # noqa: E402

REPORT = ROOT / "var" / "chaos.md"
COLUMNS = ("runs", "kills", "orders", "purchases", "twice", "unknown", "found")
HEAD = ["layer", "database", *COLUMNS, "seconds"]


@dataclass(frozen=True, slots=True)
class Row:
    layer: str
    database: str
    found: Found
    seconds: float

    def cells(self) -> list[str]:
        counted = [getattr(self.found, name) for name in COLUMNS]
        return [self.layer, self.database, *[f"{each:,}" for each in counted], f"{self.seconds:,.0f}"]


@dataclass(slots=True)
class Report:
    head: str
    rows: list[Row] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        return [f"{row.layer}, {row.database}: {each}" for row in self.rows for each in row.found.wrong]

    def text(self) -> str:
        """Markdown, as it stands in docs/reliability.md."""
        rows = [row.cells() for row in self.all()]
        notes = [line for row in self.rows if row.found.notes for line in ["", *row.found.notes]]
        verdict = ["", f"WRONG: {len(self.wrong)}" if self.wrong else "Nothing is wrong.", *self.wrong[:20]]
        return "\n".join([self.head, "", *_table(HEAD, rows), *notes, *verdict]) + "\n"

    def all(self) -> list[Row]:
        total = Found()
        for row in self.rows:
            total.add({each.name: getattr(row.found, each.name) for each in fields(Found)})
        return [*self.rows, Row("all", "", total, sum(row.seconds for row in self.rows))]


def _table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cells)} |"


def main() -> int:
    options = _options()
    form = (SHORT if options.short else LONG).share(options.share)
    report = Report(_head(options))
    postgres = os.environ.pop("DATABASE_URL", "")
    for name in options.only or LAYERS:
        report.rows.append(_run(name, "SQLite", form, options.seed))
        if postgres and name in ON_POSTGRESQL:
            os.environ["DATABASE_URL"] = postgres
            report.rows.append(_run(name, "PostgreSQL", form, options.seed))
            del os.environ["DATABASE_URL"]
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(report.text())  # hours of work are not to be lost
    print(report.text())
    return 1 if report.wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="as often as `make test` asks: minutes instead of hours")
    parser.add_argument("--share", type=float, default=1.0, help="this part of it: 0.25 takes about 40 minutes")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", action="append", choices=list(LAYERS), help="this layer; may be repeated")
    return parser.parse_args()


def _run(name: str, database: str, form: Form, seed: int) -> Row:
    print(f"{name}, {database} …", flush=True)
    started = time.monotonic()
    try:
        found = LAYERS[name](form, seed)
    except AssertionError as error:
        found = Found(wrong=[str(error)])
    return Row(name, database, found, time.monotonic() - started)


def _head(options: argparse.Namespace) -> str:
    command = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    words = "short form" if options.short else "long form"
    words += f", {options.share:.0%} of it" if options.share != 1 else ""
    python = sys.version.split()[0]
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"The {words}: commit {commit}, seed {options.seed}, {os.cpu_count()} cores, Python {python}, {at}."


if __name__ == "__main__":
    sys.exit(main())
