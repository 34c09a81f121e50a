from __future__ import annotations

import copy
import pickle

import pytest

from orders.cloud.calls import Call, check_origin, is_loopback
from orders.cloud.errors import BadEndpoint, CloudError, NotSent


def a_call(**changes: object) -> Call:
    fields: dict[str, object] = {"service": "scm", "method": "POST", "origin": "https://scm.example", "path": "/a"}
    return Call(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "origin",
    [
        "https://scm.cn-north-4.myhuaweicloud.com",
        "https://scm.example:8443",
        "http://127.0.0.1:8000",
        "http://localhost",
        "http://[::1]:8000",
    ],
)
def test_an_origin_is_a_scheme_a_host_and_perhaps_a_port(origin: str) -> None:
    check_origin(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "scm.example",
        "ftp://scm.example",
        "http://scm.example",
        "http://127.1:80",
        "http://2130706433",
        "https://user:password@scm.example",
        "https://scm.example/",
        "https://scm.example/path",
        "https://scm.example?a=b",
        "https://scm.example#a",
        "https://scm.example.",
        "https://scm..example",
        "https://scm.example:0",
        "https://scm.example:65536",
        "https://scm.example:99999",
        "https://scm.example:٤٤٣",
        "https://scm.example:",
        "https://scm example",
        "https://scm.example\n",
        "https://scm.exämple",
    ],
)
def test_anything_else_is_refused_without_repeating_it(origin: str) -> None:
    with pytest.raises(BadEndpoint) as caught:
        check_origin(origin)
    assert "password" not in str(caught.value)
    assert isinstance(caught.value, NotSent)
    assert isinstance(caught.value, CloudError)


@pytest.mark.parametrize("path", ["", "a", "/a/../b", "/a//b", "/./b", "/a?b", "/a b", "/v2//scm", "/ä", "/a/"])
def test_a_path_that_could_mean_something_else_is_refused(path: str) -> None:
    with pytest.raises(BadEndpoint):
        a_call(path=path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Auth-Token", "a\r\nHost: elsewhere"),
        ("X-Auth-Token", ""),
        ("X-Auth-Token", "tökén"),
        ("X Auth", "a"),
        ("Host", "elsewhere"),
        ("content-length", "5"),
        ("Transfer-Encoding", "chunked"),
    ],
)
def test_a_header_that_could_change_the_request_is_refused(name: str, value: str) -> None:
    with pytest.raises(NotSent):
        a_call(headers={name: value})


def test_the_url_quotes_its_query() -> None:
    call = a_call(path="/v3/list", query=(("content", "证书 a~b/c+d"), ("limit", "50")))
    assert call.url == "https://scm.example/v3/list?content=%E8%AF%81%E4%B9%A6%20a~b%2Fc%2Bd&limit=50"
    assert a_call().url == "https://scm.example/a"


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://SCM.example:443", "scm.example"),
        ("https://scm.example:8443", "scm.example:8443"),
        ("http://127.0.0.1:80", "127.0.0.1"),
        ("http://127.0.0.1:443", "127.0.0.1:443"),
    ],
)
def test_the_host_header_leaves_out_the_schemes_own_port(origin: str, host: str) -> None:
    assert a_call(origin=origin).host == host


def test_headers_cannot_be_changed_afterwards() -> None:
    headers = {"A": "b"}
    call = a_call(headers=headers)
    headers["A"] = "c"
    assert call.headers["A"] == "b"
    with pytest.raises(TypeError):
        call.headers["A"] = "c"  # type: ignore[index]


def test_a_call_shows_and_gives_away_neither_headers_nor_body() -> None:
    call = a_call(headers={"X-Auth-Token": "canary"}, body=b"canary")
    assert "canary" not in repr(call)
    with pytest.raises(TypeError):
        pickle.dumps(call)
    with pytest.raises(TypeError):
        copy.deepcopy(call)


@pytest.mark.parametrize(("host", "expected"), [("127.8.9.1", True), ("LOCALHOST", True), ("10.0.0.1", False)])
def test_loopback_is_this_machine_only(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
