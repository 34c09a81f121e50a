"""Every code the cloud may answer with has a sentence, and every outcome says what happens next."""

import ast

import pytest

from orders.cloud.codes import NOT_REACHED, REFUSED
from orders.cloud.errors import NotSent
from orders.cloud.verdicts import Doubt
from orders.models import Attempt, Outcome
from orders.refusals import OUTCOMES, SENTENCES, TROUBLES, explain, trouble
from portal.config import ROOT


@pytest.mark.parametrize("code", SENTENCES)
def test_a_known_code_is_explained(code: str) -> None:
    text = explain(Attempt(outcome=Outcome.REFUSED, code=code))
    assert text == f"{SENTENCES[code]} {OUTCOMES[Outcome.REFUSED]}"


def test_the_older_prefix_of_the_gateway_means_the_same() -> None:
    old, new = (Attempt(outcome=Outcome.BOUNCED, code=code) for code in ("APIG.0308", "APIGW.0308"))
    assert explain(old) == explain(new)
    assert "busy" in explain(old)


def test_an_unknown_code_still_says_what_happened() -> None:
    assert (
        explain(Attempt(outcome=Outcome.REFUSED, code="SCM.9999")) == "The cloud refused the order. Nothing was bought."
    )


@pytest.mark.parametrize("outcome", [Outcome.NOT_SENT, Outcome.BOUNCED, Outcome.REFUSED, Outcome.LOST])
def test_every_outcome_that_did_not_buy_is_explained(outcome: Outcome) -> None:
    assert explain(Attempt(outcome=outcome))


@pytest.mark.parametrize("outcome", [Outcome.SENDING, Outcome.PLACED])
def test_there_is_nothing_to_explain_where_nothing_went_wrong(outcome: Outcome) -> None:
    assert explain(Attempt(outcome=outcome)) == ""


def test_a_lost_outcome_forbids_ordering_again() -> None:
    assert "Do not order again" in explain(Attempt(outcome=Outcome.LOST, code="SCM.0005"))


@pytest.mark.parametrize("code", [code for code in SENTENCES if code.startswith(("SCM", "PCA"))])
def test_a_sentence_about_a_refusal_belongs_to_a_code_that_refuses(code: str) -> None:
    known = [each for each in REFUSED if any(each.matches(code, status) for status in each.statuses)]
    assert known or code in NEVER_A_REFUSAL


NEVER_A_REFUSAL = {"SCM.0011", "SCM.0017"}
"""Explained, but not on the reviewed list: an order answered so is unconfirmed, and the sentence is not shown."""


@pytest.mark.parametrize("code", [code for code in SENTENCES if code.startswith("APIGW")])
def test_a_sentence_about_the_gateway_belongs_to_a_code_that_stops_there(code: str) -> None:
    assert any(stop.matches(code, status) for stop in NOT_REACHED for status in stop.statuses)


def words_of_the_code() -> set[str]:
    """What `lose` is told in so many words, why preparing failed, and every doubt."""
    modules = [ast.parse(path.read_text()) for path in (ROOT / "orders" / "actions").glob("*.py")]
    calls = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.Call)]
    told = [
        each.value.value
        for call in calls
        if ast.unparse(call.func).endswith("lose")
        for each in call.keywords
        if each.arg == "reason" and isinstance(each.value, ast.Constant)
    ]
    return {*map(str, told), *Doubt, *(each.__name__ for each in NotSent.__subclasses__())}


def test_every_word_for_machines_has_a_sentence_for_people() -> None:
    words = words_of_the_code()
    assert {"worker_gone", "foreign_id", "late_answer", "CredentialsRefused"} < words
    assert words - set(TROUBLES) == set()


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        ("worker_gone", "The worker that sent it is gone"),
        ("timeout ReadTimeout", "The request was sent, and no answer"),
        ("ambiguous_code 400 SCM.0011 Too many.", "The cloud's error code leaves open"),
        ("ConnectError (ECONNREFUSED)", "No connection"),
        ("BadEndpoint: https is needed", "The cloud's address"),
    ],
)
def test_an_error_is_explained_by_its_first_word(error: str, begins: str) -> None:
    assert trouble(Attempt(error=error)).startswith(begins)


@pytest.mark.parametrize("error", ["", "ZeroDivisionError", "the timeout"])
def test_an_error_without_a_sentence_has_none_made_up(error: str) -> None:
    assert trouble(Attempt(error=error)) == ""
