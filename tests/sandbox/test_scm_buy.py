"""Every rule of both certificate purchases, broken alone."""

from __future__ import annotations

import json
import re

import pytest

from sandbox.scm_catalogue import DOMAIN_TYPES, SOLD, TYPES
from tests.sandbox.conftest import V2_BODY, V2_PATH, V3_PATH, Buyer
from tests.sandbox_process import Sandbox

MISSING = object()

Wrong = list[tuple[str, object, str]]

WRONG_IN_BOTH: Wrong = [
    ("cert_brand", MISSING, "SCM.0005"),
    ("cert_brand", 1, "SCM.0005"),
    ("cert_brand", None, "SCM.0005"),
    ("cert_brand", "VERISIGN", "SCM.0049"),
    ("cert_brand", "GLOBALSIGN ", "SCM.0049"),
    ("cert_brand", "globalsign", "SCM.0049"),
    ("cert_brand", "", "SCM.0049"),
    ("cert_type", MISSING, "SCM.0005"),
    ("cert_type", True, "SCM.0005"),
    ("cert_type", "OV_SSL_CERT ", "SCM.0050"),  # the documents' own sample
    ("cert_type", "DV_SSL_CERT", "SCM.0050"),  # GLOBALSIGN does not sell it
    ("domain_type", MISSING, "SCM.0005"),
    ("domain_type", "MUILT_DOMAIN", "SCM.0051"),
    ("domain_type", ["MULTI_DOMAIN"], "SCM.0005"),
    ("effective_time", MISSING, "SCM.0005"),
    ("effective_time", 0, "SCM.0052"),
    ("effective_time", 4, "SCM.0052"),
    ("effective_time", -1, "SCM.0052"),
    ("effective_time", "1", "SCM.0005"),
    ("effective_time", 1.0, "SCM.0005"),
    ("effective_time", True, "SCM.0005"),
    ("domain_numbers", MISSING, "SCM.0005"),
    ("domain_numbers", 0, "SCM.0036"),
    ("domain_numbers", 1, "SCM.0036"),
    ("domain_numbers", 101, "SCM.0036"),
    ("domain_numbers", "5", "SCM.0005"),
    ("order_number", MISSING, "SCM.0005"),
    ("order_number", 0, "SCM.0060"),
    ("order_number", True, "SCM.0005"),
    ("order_number", 1e2, "SCM.0005"),
    ("agree_privacy_protection", MISSING, "SCM.0005"),
    ("agree_privacy_protection", False, "SCM.0005"),
    ("agree_privacy_protection", 1, "SCM.0005"),
    ("agree_privacy_protection", "true", "SCM.0005"),
    ("agree_privacy_protecton", True, "SCM.0005"),
]
WRONG_IN_V2: Wrong = [
    ("effective_time", 3, "SCM.0052"),
    ("order_number", 1001, "SCM.0060"),
    ("tags", [], "SCM.0005"),
    ("is_auto_pay", True, "SCM.0005"),
]
TOO_MANY_TAGS = [{"key": f"k{n}", "value": ""} for n in range(11)]
WRONG_IN_V3: Wrong = [
    ("order_number", 101, "SCM.0060"),
    ("is_auto_pay", 1, "SCM.0005"),
    ("is_auto_pay", None, "SCM.0005"),
    ("enterprise_project_id", "default", "SCM.0005"),
    ("enterprise_project_id", 0, "SCM.0005"),
    ("order_id", "x" * 64, "SCM.0005"),
    ("primary_domain_type", "WILDCARD", "SCM.0051"),
    ("single_domain_number", 0, "SCM.0036"),
    ("single_domain_number", 3, "SCM.0036"),  # 1 + 3 are not 5
    ("wildcard_domain_number", 101, "SCM.0036"),
    ("tags", {}, "SCM.0005"),
    ("tags", ["a"], "SCM.0005"),
    ("tags", TOO_MANY_TAGS, "SCM.0005"),
    ("tags", [{"key": "a"}], "SCM.0005"),
    ("tags", [{"key": "a", "value": 1}], "SCM.0005"),
    ("tags", [{"key": "", "value": "b"}], "SCM.0005"),
    ("tags", [{"key": "k" * 129, "value": "b"}], "SCM.0005"),
    ("tags", [{"key": "a", "value": "v" * 256}], "SCM.0005"),
    ("tags", [{"key": "a", "value": "b/c"}], "SCM.0005"),
    ("tags", [{"key": "a", "value": "\ud800"}], "SCM.0005"),
    ("tags", [{"key": "a", "value": "b"}, {"key": "a", "value": "c"}], "SCM.0005"),
    ("tags", [{"key": "a", "value": "b", "x": 1}], "SCM.0005"),
]


@pytest.mark.parametrize(("field", "value", "code"), WRONG_IN_BOTH + WRONG_IN_V2)
def test_v2_refuses(cloud: Sandbox, buyer: Buyer, field: str, value: object, code: str) -> None:
    _assert_refused(cloud, buyer, V2_PATH, field, value, code)


@pytest.mark.parametrize(("field", "value", "code"), WRONG_IN_BOTH + WRONG_IN_V3)
def test_v3_refuses(cloud: Sandbox, buyer: Buyer, field: str, value: object, code: str) -> None:
    _assert_refused(cloud, buyer, V3_PATH, field, value, code)


def _assert_refused(cloud: Sandbox, buyer: Buyer, path: str, field: str, value: object, code: str) -> None:
    body = {**V2_BODY, field: value}
    if value is MISSING:
        del body[field]
    headers = {"Content-Type": "application/json"}
    answer = buyer.http.post(path, content=json.dumps(body).encode(), headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert set(answer.json()) == {"error_code", "error_msg"}
    assert cloud.ledger() == []


@pytest.mark.parametrize("path", [V2_PATH, V3_PATH])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"cert_brand": "GLOBALSIGN",}',
        json.dumps(V2_BODY).encode()[:-1] + b', "order_number": 1}',
        json.dumps(V2_BODY).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(V2_BODY).encode(),
        json.dumps(V2_BODY).replace(": 5", ": NaN").encode(),
        b'{"a":' * 100_000,
        b"\xff\xfe",
    ],
    ids=range(11),
)
def test_what_is_not_one_json_object_is_refused(cloud: Sandbox, buyer: Buyer, path: str, body: bytes) -> None:
    answer = buyer.http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "SCM.0005")
    assert cloud.ledger() == []


def test_another_content_type_is_refused(buyer: Buyer) -> None:
    answer = buyer.http.post(V2_PATH, content=json.dumps(V2_BODY), headers={"Content-Type": "text/plain"})
    assert answer.json()["error_code"] == "SCM.0005"


@pytest.mark.parametrize("brand", SOLD)
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("domain_type", DOMAIN_TYPES)
def test_only_what_the_brand_sells_is_sold(buyer: Buyer, brand: str, kind: str, domain_type: str) -> None:
    count = 2 if domain_type == "MULTI_DOMAIN" else 1
    changes = {"cert_brand": brand, "cert_type": kind, "domain_type": domain_type, "domain_numbers": count}
    answers = {buyer.buy_v2(**changes).status_code, buyer.buy_v3(**changes).status_code}
    assert answers == ({200} if domain_type in SOLD[brand].get(kind, set()) else {400})


@pytest.mark.parametrize("kind", ["EV_SSL_CERT", "EV_SSL_CERT_PRO"])
@pytest.mark.parametrize("brand", SOLD)
def test_extended_validation_has_no_wildcard(buyer: Buyer, brand: str, kind: str) -> None:
    answer = buyer.buy_v2(cert_brand=brand, cert_type=kind, domain_type="WILDCARD", domain_numbers=1)
    assert answer.json()["error_code"] in ("SCM.0050", "SCM.0051")


@pytest.mark.parametrize(
    ("domain_type", "count", "status"),
    [
        ("SINGLE_DOMAIN", 1, 200),
        ("SINGLE_DOMAIN", 2, 400),
        ("WILDCARD", 1, 200),
        ("WILDCARD", 2, 400),
        ("MULTI_DOMAIN", 1, 400),
        ("MULTI_DOMAIN", 2, 200),
        ("MULTI_DOMAIN", 100, 200),
    ],
)
def test_domain_numbers_follow_the_domain_type(buyer: Buyer, domain_type: str, count: int, status: int) -> None:
    assert buyer.buy_v2(domain_type=domain_type, domain_numbers=count).status_code == status


def test_ids_have_the_documented_shape_and_never_repeat(buyer: Buyer) -> None:
    answers = [buyer.buy_v2(order_number=100).json() for _ in range(3)] + [buyer.buy_v3(order_number=50).json()]
    certificates = [cert["cert_id"] for answer in answers for cert in answer["cert"]]
    assert len(set(certificates)) == len(certificates) == 350
    assert all(re.fullmatch(r"scs\d{13}", cert) for cert in certificates)
    assert all(re.fullmatch(r"CS\d{10}[0-9A-Z]{5}", answer["order_id"]) for answer in answers)
    assert all(set(answer) == {"order_id", "cert"} for answer in answers)


def test_the_largest_order_of_each_api(buyer: Buyer) -> None:
    assert len(buyer.buy_v2(order_number=1000, effective_time=2).json()["cert"]) == 1000
    assert len(buyer.buy_v3(order_number=100, effective_time=3).json()["cert"]) == 100


def test_every_optional_field_of_v3_is_accepted(buyer: Buyer) -> None:
    tags = [{"key": f"键 {n}_.:=+-@", "value": "值 _.:=+-@"} for n in range(10)]
    answer = buyer.buy_v3(
        primary_domain_type="WILDCARD_DOMAIN",
        single_domain_number=3,
        wildcard_domain_number=1,
        enterprise_project_id="0aad99bc-f5f6-4f78-8404-c598d76b0ed2",
        order_id="CS1803192259ROA8U",
        tags=tags,
    )
    assert answer.status_code == 200


def test_the_domain_counts_are_for_several_domains_only(buyer: Buyer) -> None:
    answer = buyer.buy_v3(domain_type="SINGLE_DOMAIN", domain_numbers=1, primary_domain_type="SINGLE_DOMAIN")
    assert answer.json()["error_code"] == "SCM.0036"


def test_the_same_body_twice_is_two_orders(cloud: Sandbox, buyer: Buyer) -> None:
    first, second = buyer.buy_v2().json(), buyer.buy_v2().json()
    assert first["order_id"] != second["order_id"]
    assert len(cloud.ledger()) == 2


def test_another_project_in_the_path_is_refused(cloud: Sandbox, buyer: Buyer) -> None:
    answer = buyer.http.post(f"/v2/{'0' * 32}/scm/cert/purchase", json=V2_BODY)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "SCM.0002")
    assert cloud.ledger() == []


def test_the_ledger_keeps_the_exact_text(cloud: Sandbox, buyer: Buyer) -> None:
    text = json.dumps(V2_BODY, indent=3) + "\n "
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = buyer.http.post(V2_PATH, content=text.encode(), headers=headers)
    (line,) = cloud.ledger()
    assert line["body"] == text
    assert line["service"] == "scm.v2"
    assert line["order_id"] == answer.json()["order_id"]
    assert line["item_ids"] == [answer.json()["cert"][0]["cert_id"]]
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert line["user_name"] == "countersign-demo"
