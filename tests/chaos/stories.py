"""The simulation's shortest interesting sequences, told straight: each is one way in which a rule has been broken."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos import simulation
from tests.chaos.simulation import FAULTS, PAUSES, Fault, Portal

Story = Callable[[Portal], None]
RESET: Fault = ("executed-then-reset", {})
NEVER: Fault = ("reset-before-execution", {})
NONE = FAULTS[0]
CERTIFICATE, FOR_TWO, CA, LONG_CA, UNPAID_CA, CHEAP_CA = 0, 2, 3, 4, 5, 6


def _sent_twice(fault: Fault) -> Story:
    def story(portal: Portal) -> None:
        portal.request_approved(CERTIFICATE)
        portal.deliver_twice(0, fault, NONE)
        portal.beat(PAUSES[2], dark=False)

    return story


def _changed_while_connecting(act: str) -> Story:
    def story(portal: Portal) -> None:
        portal.request_approved(CERTIFICATE)
        portal.change_at_the_last_moment(0, "mei", 0, act)

    return story


def _two_messages_at_once(portal: Portal) -> None:
    portal.request_approved(CERTIFICATE)
    portal.start_delivery(0, NONE, 0)
    portal.start_delivery(0, NONE, 0)
    portal.go_on(0, 4)
    portal.go_on(0, 4)


def _edited_while_connecting(portal: Portal) -> None:
    portal.request_approved(CERTIFICATE)
    portal.change_of_mind(0, NONE)
    portal.go_on(0, 4)


def _edited_between_two_votes(portal: Portal) -> None:
    portal.request(FOR_TWO, "lin")
    for act, by in (("approve", "mei"), ("edit", "mei"), ("approve", "omar")):
        portal.somebody_acts(act, 0, by)
    portal.deliver(0, NONE)


def _voted_on_an_old_page(portal: Portal) -> None:
    portal.request(CERTIFICATE, "lin")
    for act in ("edit", "approve_unseen"):
        portal.somebody_acts(act, 0, "mei")
    portal.deliver(0, NONE)


def _nobody_could_be_asked(portal: Portal) -> None:
    portal.request_approved(CERTIFICATE)
    portal.deliver(0, RESET)
    portal.wait_for_people(dark=True)


def _found_late(portal: Portal) -> None:
    portal.request_approved(CERTIFICATE)
    portal.deliver(0, ("late-visibility", {"seconds": 2400.0, "then": "executed-then-reset"}))
    portal.wait_for_people(dark=False)


def _two_unknown_one_bought(first: int, second: int) -> Story:
    """The second one, which was never executed, is looked for first."""

    def story(portal: Portal) -> None:
        portal.request_approved(first)
        portal.request_approved(second)
        portal.deliver(0, RESET)
        portal.deliver(1, NEVER)
        portal.look_up(1)
        portal.look_up(0)

    return story


def _somebody_else_bought_it(content: int) -> Story:
    def story(portal: Portal) -> None:
        portal.request_approved(content)
        portal.deliver(0, NEVER)
        portal.somebody_else_buys(0)
        portal.look_up(0)

    return story


def _the_worker_died(portal: Portal) -> None:
    portal.request_approved(CERTIFICATE)
    portal.crash(0, NONE, 2)
    portal.beat(PAUSES[1], dark=False)
    portal.business_as_usual()
    portal.deliver(0, NONE)


STORIES: dict[str, Story] = {
    **{
        f"sent twice, {kind} {parameters or ''}".strip(): _sent_twice((kind, parameters)) for kind, parameters in FAULTS
    },
    **{f"{act} while connecting": _changed_while_connecting(act) for act in ("stop_all", "withdraw", "revoke")},
    "two messages at once": _two_messages_at_once,
    "edited while connecting": _edited_while_connecting,
    "edited between two votes": _edited_between_two_votes,
    "voted on an old page": _voted_on_an_old_page,
    "nobody could be asked": _nobody_could_be_asked,
    "found late": _found_late,
    "two unknown, one bought": _two_unknown_one_bought(CA, LONG_CA),
    "two unknown that billing cannot tell apart": _two_unknown_one_bought(UNPAID_CA, CHEAP_CA),
    "somebody else bought the same certificate": _somebody_else_bought_it(CERTIFICATE),
    "somebody else bought the same CA": _somebody_else_bought_it(CA),
    "the worker died": _the_worker_died,
}


def tell(mutant: str = "", only: str = "") -> list[str]:
    """The first story that ends badly and how, or nothing."""
    simulation.prepare(mutant)
    for name, story in STORIES.items():
        if only in ("", name):
            wrong = _told(story)
            if wrong:
                return [f"{name}: {wrong}"]
    if not only and not simulation.EXAMPLES["purchases"]:
        return ["nothing was bought in any story: nothing can go wrong in such a world"]
    return []


def _told(story: Story) -> str:
    portal = Portal()
    try:
        try:
            story(portal)
            portal.the_cloud_has_nothing_that_the_portal_denies()
            portal.absence_rests_on_answers()
        finally:
            portal.teardown()
    except Exception as error:  # noqa: BLE001 - however it shows, it is wrong
        return (str(error).strip() or repr(error)).splitlines()[0]
    return ""
