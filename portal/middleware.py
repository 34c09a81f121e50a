"""One id per request, carried into every log line, event and answer; no copies of private pages; no blank ones."""

import logging
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render

GetResponse = Callable[[HttpRequest], HttpResponse]

current_request_id: ContextVar[str] = ContextVar("request_id", default="-")

_GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")


@contextmanager
def carrying(given: str) -> Iterator[None]:
    """Everything done inside carries this request id."""
    token = current_request_id.set(given)
    try:
        yield
    finally:
        current_request_id.reset(token)


def request_id(get_response: GetResponse) -> GetResponse:
    """Take `X-Request-Id` from the proxy when it is well-formed, else make one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        with carrying(given if _GIVEN.fullmatch(given) else uuid.uuid4().hex):
            response = get_response(request)
            response.headers["X-Request-Id"] = current_request_id.get()
            return response

    return middleware


def plain_text(get_response: GetResponse) -> GetResponse:
    """No person types a NUL, and PostgreSQL stores none."""

    def middleware(request: HttpRequest) -> HttpResponse:
        sent = [request.GET, request.POST] if request.method == "POST" else [request.GET]
        if any("\x00" in value for data in sent for values in data.lists() for value in values[1]):
            return HttpResponseBadRequest("NUL characters are not text.", content_type="text/plain")
        return get_response(request)

    return middleware


def private_pages(get_response: GetResponse) -> GetResponse:
    """Pages about money stay out of every cache, and a partial is never served for a page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        vary = response.headers.get("Vary", "")
        response.headers["Vary"] = f"{vary}, HX-Request" if vary else "HX-Request"
        return response

    return middleware


def no_blank_pages(get_response: GetResponse) -> GetResponse:
    """Django answers a method that an address does not take with nothing at all. A person gets a page, as for any
    other error."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code == 405 and not response.content:
            page = render(request, "405.html", status=405)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        return response

    return middleware


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id.get()
        return True
