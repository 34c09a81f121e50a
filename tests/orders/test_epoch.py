"""A restored database: noticed before anything is bought, and accepted only by an operator who looked."""

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from orders import epoch, tasks
from orders.actions import approving, stopping
from orders.cloud import billing
from orders.models import Event, Finding, Order, Stop
from orders.states import Status
from portal.models import User
from tests import making
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def approved(sandbox: Sandbox, lin: User, mei: User) -> Order:
    return making.approve(making.order(lin), mei)


@pytest.fixture
def restored(approved: Order) -> Order:
    """The marker names a claim that this database has never seen."""
    newest = Event.objects.newest_first()[0]
    epoch.write(Event(pk=newest.pk + 100, at=newest.at))
    return approved


def accept(by: User, *options: str) -> str:
    out = StringIO()
    call_command("accept_restored", "--by", by.username, "--reason", "Disk failure", *options, stdout=out)
    return out.getvalue()


def test_every_claim_moves_the_marker(approved: Order) -> None:
    assert epoch.read() is None
    making.bought(approved)
    mark = epoch.read()
    assert mark is not None
    assert mark.event == Event.objects.get(kind="order.submission_started").pk
    assert not epoch.is_behind()


def test_an_old_database_buys_nothing(sandbox: Sandbox, restored: Order) -> None:
    assert making.bought(restored).status == Status.APPROVED
    assert Stop.objects.get().cause == Stop.Cause.RESTORED
    assert sandbox.ledger() == []


def test_the_same_number_with_another_event_is_an_old_database_too(approved: Order) -> None:
    making.bought(approved)
    mark = epoch.read()
    assert mark is not None
    epoch.replace(Event(pk=mark.event, at=Event.objects.order_by("pk")[0].at))
    assert epoch.is_behind()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"event": "x", "at": "y"}', '{"event": 1}'])
def test_a_damaged_marker_buys_nothing(sandbox: Sandbox, approved: Order, text: str) -> None:
    epoch.path().write_text(text)
    assert making.bought(approved).status == Status.APPROVED
    assert sandbox.ledger() == []


def test_looking_changes_nothing(restored: Order, admin: User) -> None:
    making.bought(restored)
    making.purchase_by_hand(restored)
    shown = accept(admin)
    assert "1 orders in the cloud are not known here." in shown
    assert epoch.is_behind()
    assert not Finding.objects.exists()


def test_an_operator_who_looked_lets_people_decide_anew(
    sandbox: Sandbox, restored: Order, admin: User, mei: User, omar: User
) -> None:
    making.bought(restored)
    making.purchase_by_hand(restored)
    accept(admin, "--confirm")
    order = making.fresh(restored)
    assert (order.status, order.content.number) == (Status.PENDING_APPROVAL, 2)
    assert Finding.objects.get().cloud_order_id == sandbox.ledger()[0]["order_id"]
    assert not Stop.objects.filter(lifted_at=None).exists()
    approving.approve(order=order, by=mei, digest=order.content.digest, seen_revision=2)
    assert making.bought(order).status == Status.PLACED


def test_without_the_clouds_answer_nothing_is_accepted(sandbox: Sandbox, restored: Order, admin: User) -> None:
    sandbox.fault("500", service="bss", count=3)
    with pytest.raises(CommandError, match="nothing changes"):
        accept(admin, "--confirm")
    assert epoch.is_behind()


def test_a_database_that_is_not_old_needs_nothing(approved: Order, admin: User) -> None:
    assert "nothing to accept" in accept(admin, "--confirm")


def test_only_a_known_person_accepts(restored: Order) -> None:
    with pytest.raises(CommandError, match="no active person"):
        accept(User(username="nobody"))


def test_the_marker_never_goes_back(approved: Order) -> None:
    """The worker of the first claim may be slower than that of the second one."""
    older, newer = Event.objects.order_by("pk")[:2]
    epoch.write(newer)
    epoch.write(older)
    assert epoch.read() == epoch.Mark(newer.pk, newer.at)


def test_every_sweep_moves_the_marker(approved: Order, mei: User) -> None:
    """So that a restored copy that lost no claim, but a stop or a withdrawal, is noticed too."""
    stopping.stop(by=mei, product="", reason="Audit")
    tasks.sweep()
    mark = epoch.read()
    assert mark is not None
    assert mark.event == Event.objects.get(kind="buying.stopped").pk


def test_an_old_copy_does_not_move_the_marker(restored: Order) -> None:
    before = epoch.read()
    tasks.sweep()
    assert epoch.read() == before


@pytest.fixture
def nowhere(settings: object, tmp_path: Path) -> None:
    """The folder of the marker is a file."""
    (tmp_path / "gone").write_text("")
    settings.EPOCH_FILE = tmp_path / "gone" / "epoch.json"  # type: ignore[attr-defined]


def test_a_marker_that_cannot_be_kept_stops_buying(sandbox: Sandbox, approved: Order, nowhere: None) -> None:
    tasks.sweep()
    assert Stop.objects.filter(lifted_at=None).exists()
    assert making.bought(approved).status == Status.APPROVED
    assert sandbox.ledger() == []


def test_a_marker_that_breaks_at_a_claim_stops_what_comes_next(
    sandbox: Sandbox, approved: Order, lin: User, mei: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Event) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(epoch, "write", full)
    assert making.bought(approved).status == Status.PLACED
    assert Stop.objects.get().cause == Stop.Cause.MARKER
    assert making.bought(making.approve(making.order(lin), mei)).status == Status.APPROVED


def test_an_unreadable_marker_leaves_the_sweeper_at_work(approved: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    making.claimed(approved)
    Order.objects.update(deadline_at=timezone.now())

    monkeypatch.setattr(Path, "read_text", _stale)
    tasks.sweep()
    assert making.fresh(approved).status == Status.UNCONFIRMED


def test_the_operator_is_asked_about_the_time_since_the_copy_ended(
    restored: Order, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the portal itself wrote after the restore is younger than the marker, and tells nothing."""
    ended = Event.objects.newest_first()[0].at
    epoch.replace(Event(pk=10_000_000, at=ended + timedelta(hours=20)))
    asked_from: list[datetime] = []

    def orders(_: object, *, created_from: datetime, **__: object) -> tuple[()]:
        asked_from.append(created_from)
        return ()

    monkeypatch.setattr(billing, "orders", orders)
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=True):
        tasks.sweep()
        accept(admin)
    assert asked_from == [ended - timedelta(hours=1)]


def test_a_marker_that_is_right_again_leaves_a_way_out(restored: Order, admin: User, mei: User) -> None:
    """It was damaged for a moment: the stop that came of it stands until an operator has looked."""
    tasks.sweep()
    epoch.path().unlink()
    assert "buying is on again" in accept(admin, "--confirm")
    assert not Stop.objects.filter(lifted_at=None).exists()


def test_a_new_database_beside_an_old_marker_leaves_a_way_out(approved: Order, admin: User) -> None:
    epoch.write(Event(pk=10_000_000, at=timezone.now() - timedelta(days=400)))
    tasks.sweep()
    assert "buying is on again" in accept(admin, "--confirm")


def test_a_marker_that_cannot_be_read_for_a_while_is_for_approvers(
    approved: Order, mei: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Path, "read_text", _stale)
        assert making.bought(approved).status == Status.APPROVED
    stop = Stop.objects.get()
    assert stop.cause == Stop.Cause.MARKER
    stopping.resume(by=mei, stop=stop, reason="The disk is back")
    assert making.bought(approved).status == Status.PLACED


def _stale(*_: object) -> str:
    raise OSError(116, "Stale file handle")


def test_a_writer_that_hangs_holds_nobody_up(approved: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch, "PATIENCE", 0.1)
    with epoch._alone(), pytest.raises(TimeoutError):
        epoch.write(Event.objects.newest_first()[0])


def test_what_else_stops_buying_is_said(restored: Order, admin: User, mei: User) -> None:
    stopping.stop(by=mei, product="", reason="Audit")
    assert "still stopped: everything: Audit" in accept(admin, "--confirm")
