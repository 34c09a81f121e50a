"""SCM: buying certificates by the historical v2 API and by v3 (contract A)."""

from __future__ import annotations

from typing import NoReturn

from sandbox.bodies import JsonObject, NotJsonError, check, read_object
from sandbox.cloud import Call, sell
from sandbox.messages import ApiError, Reply, as_json
from sandbox.moments import now_ms
from sandbox.purchase import Goods
from sandbox.scm_catalogue import (
    DOMAIN_TYPE,
    DOMAINS,
    MULTI,
    SOLD,
    TAG_FIELDS,
    TAG_SIGNS,
    TYPE,
    V2_FIELDS,
    V3_FIELDS,
    WILDCARD,
)

# ★ NOT FOUND anywhere (contract E.3, H): what billing calls certificate orders. Nobody should rely on it.
SERVICE_TYPE = "hws.service.type.scm"
RESOURCE_TYPE = "hws.resource.type.scm"
YEAR = 3  # BSS period type


def wrong(code: str | None, message: str) -> NoReturn:
    raise ApiError(400, code or "SCM.0005", message)


def buy_v2(call: Call) -> Reply:
    """POST /v2/{project_id}/scm/cert/purchase. ★ Paid at once: nobody says how v2 is paid."""
    if call.path["project_id"] != call.caller.project_id:
        raise ApiError(403, "SCM.0002", "Incorrect tenant ID")
    body = read_body(call)
    check(V2_FIELDS, body, wrong)
    check_product(body)
    return _sell(call, "scm.v2", body, auto_pay=True)


def buy_v3(call: Call) -> Reply:
    """POST /v3/scm/certificates/buy. ★ is_auto_pay omitted means false: the default is documented nowhere."""
    body = read_body(call)
    check(V3_FIELDS, body, wrong)
    check_product(body)
    _check_domain_counts(body)
    _check_tags(body.get("tags", []))
    return _sell(call, "scm.v3", body, auto_pay=body.get("is_auto_pay", False))


def read_body(call: Call) -> JsonObject:
    """★ A content type other than JSON is refused as a bad parameter; the documents only show JSON."""
    if not call.request.is_json:
        wrong(None, "the content type must be application/json")
    try:
        return read_object(call.request.body)
    except NotJsonError as error:
        wrong(None, f"the request body is not valid JSON: {error}")


def check_product(body: JsonObject) -> None:
    types = SOLD[body["cert_brand"]]
    domain_type = body["domain_type"]
    if body["cert_type"] not in types:
        wrong(TYPE, f"{body['cert_brand']} does not sell {body['cert_type']}")
    if domain_type not in types[body["cert_type"]]:
        wrong(DOMAIN_TYPE, f"{body['cert_brand']} {body['cert_type']} is not sold for {domain_type}")
    if (body["domain_numbers"] > 1) != (domain_type == MULTI):
        wrong(DOMAINS, "domain_numbers must be 2 to 100 for MULTI_DOMAIN and 1 otherwise")


def _check_domain_counts(body: JsonObject) -> None:
    """★ The optional counts are for MULTI_DOMAIN: domain_numbers = 1 primary + single + wildcard (A.3)."""
    given = {"primary_domain_type", "single_domain_number", "wildcard_domain_number"} & body.keys()
    if given and body["domain_type"] != MULTI:
        wrong(DOMAINS, f"{min(given)} is only for MULTI_DOMAIN")
    if given - {"primary_domain_type"}:
        additional = body.get("single_domain_number", 0) + body.get("wildcard_domain_number", 0)
        if body["domain_numbers"] != 1 + additional:
            wrong(DOMAINS, "domain_numbers must be 1 plus the additional single and wildcard domains")


def _check_tags(tags: list[object]) -> None:
    """Up to ten, key ≤ 128, value ≤ 255, the allowed characters (A.2, E.1). ★ No key twice."""
    keys = set()
    for tag in tags:
        if not isinstance(tag, dict):
            wrong(None, "a tag must be an object")
        check(TAG_FIELDS, tag, wrong, where="tags.")
        if not all(c.isalnum() or c in TAG_SIGNS for c in tag["key"] + tag["value"]):
            wrong(None, "a tag holds a character that is not allowed")
        keys.add(tag["key"])
    if len(keys) != len(tags):
        wrong(None, "tag keys must be unique")


def _sell(call: Call, service: str, body: JsonObject, *, auto_pay: bool) -> Reply:
    item_ids = call.cloud.certificate_ids.take(body["order_number"], now_ms())
    purchase = sell(call, service, _goods(body), item_ids, auto_pay=auto_pay)
    return as_json({"order_id": purchase.order_id, "cert": [{"cert_id": item} for item in purchase.item_ids]})


def _goods(body: JsonObject) -> Goods:
    """★ Price and specification text are invented: one demo yuan per domain and year."""
    names = ("cert_brand", "cert_type", "domain_type", "domain_numbers", "effective_time")
    facts = {name: body[name] for name in names}
    facts["primary_domain_type"] = body.get("primary_domain_type")
    facts["wildcard_count"] = _wildcards(body)
    project = body.get("enterprise_project_id", "0")
    return Goods(
        service_type=SERVICE_TYPE,
        resource_type=RESOURCE_TYPE,
        spec=f"{body['cert_brand']} {body['cert_type']} {body['domain_type']} {body['domain_numbers']}",
        period_type=YEAR,
        period_num=body["effective_time"],
        quantity=body["order_number"],
        amount=float(body["domain_numbers"] * body["effective_time"] * body["order_number"]),
        enterprise_project_id="0" if project == "all" else project,
        facts=facts,
        tags={tag["key"]: tag["value"] for tag in body.get("tags", [])},
    )


def _wildcards(body: JsonObject) -> int:
    primary = body["domain_type"] == WILDCARD or body.get("primary_domain_type") == "WILDCARD_DOMAIN"
    return int(primary) + int(body.get("wildcard_domain_number", 0))
