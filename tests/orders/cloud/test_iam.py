from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from orders.cloud.calls import Call, Timeouts
from orders.cloud.errors import CredentialsRefused, IamUnavailable, LookupFailed
from orders.cloud.iam import Token
from orders.cloud.secret import Secret

from .fault_server import FaultServer, Visitor, unused_port

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PASSWORD = "canary-password"
CALL = Call(service="scm", method="GET", origin="https://scm.example", path="/v3/scm/certificates")


class Iam:
    """Gives the tokens it is told to, in order, and counts."""

    def __init__(self, *answers: tuple[str, dict[str, str], object]) -> None:
        self.answers = list(answers)

    def __call__(self, visitor: Visitor) -> None:
        visitor.execute()
        status, headers, body = self.answers.pop(0)
        visitor.answer(status, json.dumps(body).encode(), *(f"{name}: {value}" for name, value in headers.items()))


def granted(token: str, expires_at: str = "2026-01-02T00:00:00.000000Z") -> tuple[str, dict[str, str], object]:
    return "201 Created", {"X-Subject-Token": token}, {"token": {"expires_at": expires_at}}


def a_token(origin: str, *, user: str = "buyer", password: str = PASSWORD) -> Token:
    return Token(
        origin=origin,
        user=user,
        password=Secret(password),
        domain="company",
        project_id="0123456789abcdef",
        timeouts=Timeouts(connect=5, read=5, total=5),
    )


def test_it_asks_for_a_project_token_with_the_password() -> None:
    with FaultServer(Iam(granted("t1"))) as server:
        assert a_token(server.origin).headers(CALL, now=NOW) == {"X-Auth-Token": "t1"}
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v3/auth/tokens?nocatalog=true HTTP/1.1\r\n")
    assert b"Content-Type: application/json;charset=utf8" in head
    user = {"name": "buyer", "password": PASSWORD, "domain": {"name": "company"}}
    assert json.loads(body) == {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"id": "0123456789abcdef"}},
        }
    }


def test_a_token_is_kept_until_five_minutes_before_it_expires() -> None:
    with FaultServer(Iam(granted("t1"), granted("t2"))) as server:
        token = a_token(server.origin)
        times = [timedelta(0), timedelta(hours=23, minutes=54), timedelta(hours=23, minutes=55)]
        given = [token.headers(CALL, now=NOW + later)["X-Auth-Token"] for later in times]
    assert given == ["t1", "t1", "t2"]
    assert server.executed == 2


def test_renewing_drops_the_token() -> None:
    with FaultServer(Iam(granted("t1"), granted("t2"))) as server:
        token = a_token(server.origin)
        token.headers(CALL, now=NOW)
        token.renew()
        assert token.headers(CALL, now=NOW) == {"X-Auth-Token": "t2"}


def test_many_threads_share_one_token() -> None:
    with FaultServer(Iam(granted("t1"))) as server:
        token = a_token(server.origin)
        threads = [threading.Thread(target=token.headers, args=(CALL,), kwargs={"now": NOW}) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.executed == 1


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found"])
def test_a_clear_no_is_refused_credentials(status: str) -> None:
    no: tuple[str, dict[str, str], object] = (
        status,
        {},
        {"error": {"code": 401, "message": "The username or password is wrong."}},
    )
    with FaultServer(Iam(no)) as server, pytest.raises(CredentialsRefused) as caught:
        a_token(server.origin).headers(CALL, now=NOW)
    assert caught.value.status == int(status[:3])


@pytest.mark.parametrize(
    "answer",
    [
        ("500 Internal Server Error", {}, {}),
        ("503 Service Unavailable", {}, {}),
        ("429 Too Many Requests", {}, {}),
        ("302 Found", {"Location": "/elsewhere"}, {}),
        ("200 OK", {"X-Subject-Token": "t"}, {"token": {"expires_at": "2026-01-02T00:00:00Z"}}),
        ("201 Created", {}, {"token": {"expires_at": "2026-01-02T00:00:00Z"}}),
        ("201 Created", {"X-Subject-Token": "t"}, {}),
        ("201 Created", {"X-Subject-Token": "t"}, []),
        ("201 Created", {"X-Subject-Token": "t"}, {"token": {"expires_at": "tomorrow"}}),
        ("201 Created", {"X-Subject-Token": "t"}, {"token": {"expires_at": "2026-01-02T00:00:00"}}),
        ("201 Created", {"X-Subject-Token": "t"}, {"token": {"expires_at": 5}}),
    ],
    ids=lambda answer: f"{answer[0][:3]} {answer[2]}",
)
def test_anything_else_is_iam_unavailable(answer: tuple[str, dict[str, str], object]) -> None:
    with FaultServer(Iam(answer)) as server, pytest.raises(IamUnavailable):
        a_token(server.origin).headers(CALL, now=NOW)


def test_an_iam_that_cannot_be_reached_is_unavailable() -> None:
    with pytest.raises(IamUnavailable) as caught:
        a_token(f"http://127.0.0.1:{unused_port()}").headers(CALL, now=NOW)
    assert isinstance(caught.value.__cause__, LookupFailed)


@pytest.mark.parametrize(("user", "password"), [("", PASSWORD), ("buyer", "")])
def test_missing_credentials_are_refused_without_asking(user: str, password: str) -> None:
    with pytest.raises(CredentialsRefused):
        a_token("https://iam.example", user=user, password=password).headers(CALL, now=NOW)


def exceptions_of(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_the_password_and_the_token_stay_inside() -> None:
    with FaultServer(Iam(granted("canary-token"), ("500 No", {}, {}))) as server:
        token = a_token(server.origin)
        token.headers(CALL, now=NOW)
        assert "canary" not in repr(token)
        with pytest.raises(TypeError):
            pickle.dumps(token)
        token.renew()
        with pytest.raises(IamUnavailable) as caught:
            token.headers(CALL, now=NOW)
    assert not any("canary" in f"{error} {error!r}" for error in exceptions_of(caught.value))
