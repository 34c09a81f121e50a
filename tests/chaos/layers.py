"""The layers of the proof, each as one function: it runs, counts, and tells what is wrong.

`make test` asks the short form of everything, `make chaos` the long one; the questions are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from tests.chaos import crash, disturbing, hunting, simulating
from tests.chaos.mutants import MUTANTS
from tests.chaos.nursery import running_nursery
from tests.chaos.races import PAIRS


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How often is asked."""

    every_crash: bool
    """Every point with every answer of the cloud, or half of the pairs."""
    deliveries: int
    examples: int
    steps: int
    rounds: int
    disturbances: int
    """Rounds of twenty-five."""
    deliveries_on_postgresql: int
    search: bool
    """Whether the simulation, too, has to come upon the planted bugs, without knowing of any."""

    def share(self, part: float) -> Form:
        """The same with only a part of what can be counted, for who has no hours."""
        counted = ("deliveries", "deliveries_on_postgresql", "examples", "rounds", "disturbances")
        return replace(self, **{name: max(1, round(getattr(self, name) * part)) for name in counted})


SHORT = Form(
    every_crash=False,
    deliveries=1_000,
    deliveries_on_postgresql=1_000,
    examples=300,
    steps=40,
    rounds=100,
    disturbances=1,
    search=False,
)
LONG = Form(
    every_crash=True,
    deliveries=50_000,
    deliveries_on_postgresql=10_000,
    examples=5_000,
    steps=80,
    rounds=1_000,
    disturbances=10,
    search=True,
)


@dataclass(slots=True)
class Found:
    """What a layer saw. `purchases` and `twice` are the cloud's own count."""

    runs: int = 0
    kills: int = 0
    orders: int = 0
    purchases: int = 0
    twice: int = 0
    unknown: int = 0
    found: int = 0
    """Of the unknown ones, those that the reconciler found again."""
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Lines of Markdown, for whoever reads the report."""

    def add(self, found: Mapping[str, Any]) -> None:
        """Count what is known here by the same name."""
        for each in fields(self):
            if each.name in found:
                setattr(self, each.name, getattr(self, each.name) + found[each.name])


Layer = Callable[[Form, int], Found]


def crash_points(form: Form, seed: int) -> Found:
    total = Found()
    with running_nursery() as nursery:
        for point, mode, product in crash.cases(every=form.every_crash):
            found = nursery.run("crash:case", point=point, mode=mode, product=product)
            total.add(found | {"runs": 1, "wrong": [f"{point}, {mode}: {each}" for each in found["wrong"]]})
    return total


def random_kills(form: Form, seed: int) -> Found:
    total = Found()
    with running_nursery() as nursery:
        deliveries = form.deliveries if nursery.database == "sqlite" else form.deliveries_on_postgresql
        found = nursery.run("campaign:run", seed=seed, deliveries=deliveries, limit=simulating.LONGEST)
    total.add(found | {"runs": found["deliveries"]})
    return total


def simulation(form: Form, seed: int) -> Found:
    total = Found()
    total.add(simulating.run(seed, form.examples, form.steps))
    return total


def races(form: Form, seed: int) -> Found:
    total = Found()
    with running_nursery() as nursery:
        for pair in PAIRS:
            found = nursery.run("races:run", pair=pair, rounds=form.rounds)
            total.add({"runs": sum(found["outcomes"].values()), "wrong": found["wrong"]})
    return total


def planted_bugs(form: Form, seed: int) -> Found:
    """All of them must be seen, and nothing where none is planted. `found` counts the ones seen."""
    total = Found(notes=["| planted bug | seen by | by chance, in the simulation |", "| --- | --- | --- |"])
    with hunting.running() as hunt:
        for mutant in MUTANTS:
            seen = hunt.seen(mutant)
            total.add({"runs": 1, "found": bool(seen), "wrong": [] if seen else [f"nobody saw “{mutant}”"]})
            example = hunt.searched(mutant) if form.search else 0
            total.notes.append(f"| {mutant} | {', '.join(seen)} | {f'example {example}' if example else '–'} |")
        total.wrong += [f"without a planted bug, {layer}: {what}" for layer, what in hunt.seen("").items()]
    return total


def broker(form: Form, seed: int) -> Found:
    total = Found()
    found = disturbing.run(seed, rounds=form.disturbances)
    total.add(found | {"runs": found["disturbances"]})
    return total


LAYERS: Mapping[str, Layer] = {
    "planted bugs": planted_bugs,
    "crash points": crash_points,
    "broker": broker,
    "races": races,
    "random kills": random_kills,
    "simulation": simulation,
}
"""Whether the others can see at all comes first."""
ON_POSTGRESQL = ("crash points", "random kills", "races")
"""Where the databases differ: several processes meet in them."""
