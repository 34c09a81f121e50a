"""`python -m tests.chaos [--long] [--seed N]`: every layer, and its figures as a table and in var/chaos.json.

On SQLite; on PostgreSQL by `python -m tests.with_postgres .venv/bin/python -m tests.chaos`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.chaos import simulating
from tests.chaos.nursery import running_nursery
from tests.sandbox_process import ROOT

Figures = dict[str, Any]


@dataclass(slots=True)
class Report:
    figures: Figures = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    seconds: Figures = field(default_factory=dict)

    @contextmanager
    def layer(self, name: str) -> Iterator[None]:
        print(f"{name} …", flush=True)
        started = time.monotonic()
        try:
            yield
        except AssertionError as error:
            self.wrong.append(f"{name}: {error}")
        self.seconds[name] = round(time.monotonic() - started, 1)

    def add(self, **figures: int) -> None:
        for name, value in figures.items():
            self.figures[name] = self.figures.get(name, 0) + value


def main() -> int:
    options = _options()
    _django()
    report = Report(_machine(options.seed))
    for run in LAYERS:
        with report.layer(run.__name__.replace("_", " ")):
            run(report, options.seed, options.long)
    return _finish(report)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--long", action="store_true", help="hours instead of minutes")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


def _django() -> None:
    """The layers' tables name models; nothing here opens a database."""
    import tests.environment

    assert tests.environment
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    import django

    django.setup()


def _machine(seed: int) -> Figures:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    database = "PostgreSQL" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "SQLite"
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return {"database": database, "seed": seed, "commit": commit, "cores": os.cpu_count() or 1, "at": at}


# ---------------------------------------------------------------- the layers


def crash_points(report: Report, seed: int, long: bool) -> None:
    from tests.chaos.crash import MODES
    from tests.chaos.points import POINTS
    from tests.chaos.world import PRODUCTS

    with running_nursery() as nursery:
        pairs = itertools.product(enumerate(POINTS), enumerate(MODES))
        for (row, point), (column, mode) in pairs:
            if long or (row + column) % 2 == 0:
                product = PRODUCTS[(row + column) // 2 % len(PRODUCTS)]
                found = nursery.run("crash:case", point=point, mode=mode, product=product)
                report.wrong += [f"{point}, {mode}: {each}" for each in found["wrong"]]
                report.add(crash_cases=1, deliveries=2, kills=found["killed"], orders=1)
                report.add(placed=found["status"] == "placed", unknowns=found["lost"], found_again=found["found"])
                report.add(purchases=found["bought"], double_purchases=max(0, found["bought"] - 1))


def random_kills(report: Report, seed: int, long: bool) -> None:
    with running_nursery() as nursery:
        limit = 8 * 3600
        found = nursery.run("campaign:run", seed=seed, deliveries=50_000 if long else 1_000, limit=limit)
    report.wrong += found["wrong"]
    report.add(random_deliveries=found["deliveries"], random_kills=found["kills"])
    report.add(**{name: found[name] for name in ("deliveries", "kills", "orders", "placed", "purchases")})
    report.add(unknowns=found["unknown"], found_again=found["found"], double_purchases=found["doubles"])


def simulation(report: Report, seed: int, long: bool) -> None:
    examples, steps = (5_000, 80) if long else (300, 40)
    found = simulating.run(seed, examples, steps)
    report.add(simulated_examples=found["examples"], simulated_submissions=found["submissions"])
    report.figures["simulated_steps_at_most"] = examples * steps


def races(report: Report, seed: int, long: bool) -> None:
    from tests.chaos.races import PAIRS

    with running_nursery() as nursery:
        for pair in PAIRS:
            found = nursery.run("races:run", pair=pair, rounds=1_000 if long else 100)
            report.wrong += found["wrong"]
            report.add(race_pairs=1, race_rounds=sum(Counter(found["outcomes"]).values()))


def planted_bugs(report: Report, seed: int, long: bool) -> None:
    from tests.chaos import hunting
    from tests.chaos.mutants import MUTANTS

    with hunting.running() as hunt:
        for mutant in MUTANTS:
            seen = hunt.seen(mutant)
            report.add(mutants=1, mutants_killed=bool(seen))
            report.wrong += [] if seen else [f"nobody saw the planted bug “{mutant}”"]
        clean = hunt.seen("")
        report.wrong += [f"without a planted bug: {clean}"] if clean else []


def broker(report: Report, seed: int, long: bool) -> None:
    from tests.chaos import disturbing

    found = disturbing.run(seed, rounds=10 if long else 1)
    report.wrong += found["wrong"]
    report.add(disturbances=found["disturbances"], kills=found["kills"], orders=found["orders"], placed=found["placed"])
    report.add(unknowns=found["unknown"], found_again=found["found"], purchases=found["purchases"])


LAYERS: tuple[Callable[[Report, int, bool], None], ...] = (
    crash_points,
    random_kills,
    simulation,
    races,
    planted_bugs,
    broker,
)


def _finish(report: Report) -> int:
    report.figures["seconds"] = round(sum(report.seconds.values()), 1)
    for name, value in report.figures.items():
        print(f"{name.replace('_', ' '):26} {value}")
    for name, value in report.seconds.items():
        print(f"{name + ', seconds':26} {value}")
    target = ROOT / "var" / "chaos.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(report.figures | {"layers": report.seconds, "wrong": report.wrong}, indent=2) + "\n")
    print("\n".join(["", f"WRONG: {len(report.wrong)}", *report.wrong[:20]]) if report.wrong else "\nNothing is wrong.")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
