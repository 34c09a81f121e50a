"""One id per request, and no copies of private pages."""

import logging
import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from portal.middleware import RequestIdFilter, current_request_id, private_pages, request_id


def answer(given: str | None = None) -> tuple[str, str]:
    """The id inside the request and the one in the answer."""
    seen = []

    def view(_request: HttpRequest) -> HttpResponse:
        seen.append(current_request_id.get())
        return HttpResponse()

    headers = {} if given is None else {"X-Request-Id": given}
    response = request_id(view)(RequestFactory().get("/", headers=headers))
    return seen[0], response.headers["X-Request-Id"]


@pytest.mark.parametrize("given", ["12345678", "a" * 64, "3f2b8c1e-0000-4000-8000-000000000000"])
def test_a_well_formed_id_is_taken_over(given: str) -> None:
    assert answer(given) == (given, given)


@pytest.mark.parametrize(
    "given", [None, "", "1234567", "a" * 65, "a b c d e f", "12345678\n", "<script>!", "ééééééééé"]
)
def test_any_other_is_replaced(given: str | None) -> None:
    inside, outside = answer(given)
    assert inside == outside
    assert re.fullmatch(r"[0-9a-f]{32}", inside)


def test_two_requests_have_two_ids_and_none_is_left_behind() -> None:
    before = current_request_id.get()
    assert answer() != answer()
    assert current_request_id.get() == before


def test_an_id_does_not_outlive_a_request_that_failed() -> None:
    def view(_request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError

    before = current_request_id.get()
    with pytest.raises(ZeroDivisionError):
        request_id(view)(RequestFactory().get("/", headers={"X-Request-Id": "12345678"}))
    assert current_request_id.get() == before


def test_every_log_line_carries_the_id() -> None:
    record = logging.LogRecord("orders", logging.INFO, __file__, 1, "hello", None, None)
    token = current_request_id.set("12345678")
    try:
        assert RequestIdFilter().filter(record)
    finally:
        current_request_id.reset(token)
    assert record.request_id == "12345678"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("headers", "cache", "vary"),
    [
        ({}, "no-store", "HX-Request"),
        ({"Vary": "Cookie"}, "no-store", "Cookie, HX-Request"),
        ({"Cache-Control": "private, max-age=60"}, "private, max-age=60", "HX-Request"),
    ],
)
def test_private_pages_are_not_kept_and_parts_are_not_pages(headers: dict[str, str], cache: str, vary: str) -> None:
    response = private_pages(lambda _request: HttpResponse(headers=headers))(RequestFactory().get("/"))
    assert (response.headers["Cache-Control"], response.headers["Vary"]) == (cache, vary)
