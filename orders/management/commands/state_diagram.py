"""Write `docs/states.md` anew from the state machine. `tests/test_docs.py` fails where the two differ."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, no_translations

from orders import states
from orders.states import Stage, Status
from portal.config import ROOT

PAGE = ROOT / "docs" / "states.md"

FRAME = """\
# The statuses of an order

This page is written by `python manage.py state_diagram` from `orders/states.py`. Change the tables there, then run the
command. A test compares the two.

`STAGES` says of each status whose turn it is, how long it may last and which event ends it at the deadline. `EVENTS`
says which events are legal and where each leads. The history calls them `order.<event>`. An arrow that leads back to
its own status is an event that is recorded without moving the order.

| Status | Shown as | Turn | May last | At the deadline | Meaning |
|---|---|---|---|---|---|
{rows}

Final statuses have no deadline.

* If the cloud has an order, its status here is one of: {may_have_bought}.
* Of all orders with the same content, at most one is in: {in_flight}. A partial unique index keeps it so.

```mermaid
{diagram}```
"""


class Command(BaseCommand):
    help = "Write docs/states.md from the state machine."

    @no_translations
    def handle(self, **options: Any) -> None:  # noqa: ARG002
        PAGE.write_text(render())


def render() -> str:
    return FRAME.format(
        rows="\n".join(_row(status, states.STAGES[status]) for status in Status),
        may_have_bought=_names(states.MAY_HAVE_BOUGHT),
        in_flight=_names(states.IN_FLIGHT),
        diagram=states.diagram(),
    )


def _row(status: Status, stage: Stage) -> str:
    cells = (f"`{status.name}`", status.label, stage.turn.label, _lasts(stage), _then(stage), stage.meaning)
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _lasts(stage: Stage) -> str:
    return "–" if stage.lasts is None else _words(stage.lasts)


def _then(stage: Stage) -> str:
    if stage.is_final:
        return "–"
    return f"`{stage.then}`" if stage.then else "nothing by itself: people settle it"


def _words(span: timedelta) -> str:
    units = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}
    name = next(name for name, length in units.items() if not span % length)
    number = span // units[name]
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _names(statuses: frozenset[Status]) -> str:
    return ", ".join(f"`{status.name}`" for status in Status if status in statuses)
