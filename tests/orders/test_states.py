"""The table itself: complete, safe, and the same as its picture in the docs."""

import re
from itertools import chain

import pytest

from orders import states
from orders.states import EVENTS, FINAL, OPEN, STAGES, Status, Turn
from portal.config import ROOT

EDGES = {(source, to) for event in EVENTS.values() for source, to in event.moves.items() if source is not to}
ARROW = re.compile(r"    (\[\*\]|[A-Z_]+) --> (\[\*\]|[A-Z_]+)(?:: ([a-z_]+))?")


def reachable(start: Status) -> set[Status]:
    found, new = {start}, {start}
    while new:
        new = {to for source, to in EDGES if source in new} - found
        found |= new
    return found


def test_every_status_has_a_stage_and_a_meaning() -> None:
    assert set(STAGES) == set(Status)
    assert all(str(stage.meaning) for stage in STAGES.values())


@pytest.mark.parametrize("status", sorted(OPEN))
def test_an_open_status_has_an_owner_a_deadline_and_an_exit(status: Status) -> None:
    stage = STAGES[status]
    assert stage.turn is not Turn.NOBODY
    assert stage.lasts is not None
    assert stage.lasts.total_seconds() > 0
    assert states.exits(status)


@pytest.mark.parametrize("status", sorted(FINAL))
def test_a_final_status_has_no_owner_no_deadline_and_no_exit(status: Status) -> None:
    stage = STAGES[status]
    assert (stage.turn, stage.lasts, stage.then) == (Turn.NOBODY, None, None)
    assert states.exits(status) == []
    assert all(status not in event.moves for event in EVENTS.values())


@pytest.mark.parametrize("status", sorted(status for status in OPEN if STAGES[status].then))
def test_what_happens_at_the_deadline_is_an_exit(status: Status) -> None:
    assert STAGES[status].then in states.exits(status)


def test_only_an_unconfirmed_order_waits_past_its_deadline() -> None:
    assert [status for status in Status if status in OPEN and STAGES[status].then is None] == [Status.UNCONFIRMED]


def test_every_status_is_reached_from_a_draft() -> None:
    assert reachable(Status.DRAFT) == set(Status)


@pytest.mark.parametrize("status", list(Status))
def test_every_status_can_come_to_an_end(status: Status) -> None:
    assert reachable(status) & FINAL


def test_every_event_but_the_first_leads_somewhere() -> None:
    assert [name for name, event in EVENTS.items() if not event.moves] == ["drafted"]
    assert all(name == event.name and str(event.label) for name, event in EVENTS.items())


def test_only_an_approved_order_is_sent() -> None:
    assert {source for source, to in EDGES if to is Status.SUBMITTING} == {Status.APPROVED}


def test_an_unknown_outcome_never_leads_back_to_sending() -> None:
    assert not reachable(Status.UNCONFIRMED) & {Status.SUBMITTING, Status.APPROVED} - reachable(Status.FAILED)
    assert {to for source, to in EDGES if source is Status.UNCONFIRMED} == {
        Status.PLACED,
        Status.FAILED,
        Status.ABSENT,
    }


def test_a_refused_order_is_approved_anew_before_it_is_sent_again() -> None:
    assert {to for source, to in EDGES if source is Status.FAILED} == {Status.PENDING_APPROVAL, Status.WITHDRAWN}


def test_what_the_cloud_may_have_is_left_only_by_evidence_or_by_people() -> None:
    leaving = {
        (name, source)
        for name, event in EVENTS.items()
        for source, to in event.moves.items()
        if source in states.MAY_HAVE_BOUGHT and to not in states.MAY_HAVE_BOUGHT
    }
    assert leaving == {
        ("bounced", Status.SUBMITTING),
        ("refused", Status.SUBMITTING),
        ("refused", Status.UNCONFIRMED),
        ("declared_absent", Status.UNCONFIRMED),
    }


@pytest.mark.parametrize("name", list(EVENTS))
def test_a_move_that_the_table_does_not_name_leads_nowhere(name: str) -> None:
    for status in Status:
        assert states.target(name, status) == EVENTS[name].moves.get(status)


def test_the_diagram_shows_every_edge_and_nothing_else() -> None:
    first, *arrows = states.diagram().splitlines()
    matches = [ARROW.fullmatch(arrow) for arrow in arrows]
    assert first == "stateDiagram-v2"
    assert all(matches)
    shown = {match.groups() for match in matches if match}
    told = {(source.name, to.name, name) for name, event in EVENTS.items() for source, to in event.moves.items()}
    ends = {(status.name, "[*]", None) for status in FINAL}
    assert shown == set(chain(told, ends, [("[*]", "DRAFT", "drafted")]))


def test_the_documents_show_the_current_diagram() -> None:
    assert states.diagram() in (ROOT / "docs" / "states.md").read_text()
