"""CCM private CAs: ordering and looking back (contract B, C.3, E.2)."""

from __future__ import annotations

import uuid
from typing import Any, NoReturn

from sandbox.bodies import Field, JsonObject, NotJsonError, check, read_object
from sandbox.cloud import Call, sell
from sandbox.identifiers import new_ca_id
from sandbox.messages import ApiError, Reply, as_json
from sandbox.purchase import Goods, Purchase
from sandbox.queries import choice, number

SERVICE_TYPE = "hws.service.type.ccm"
RESOURCE_TYPE = "hws.resource.type.pca.duration"
QUOTA = 100  # OAS ShowCertificateAuthorityQuota: "100" (newer console text: 1000)

# Contract B, the parameter table. ★ period_num and subscription_num have no documented range: at least 1,
# and not more CAs in one order than the account's quota.
ORDER_FIELDS = (
    Field("cloud_service_type", str, choices=(SERVICE_TYPE,)),
    Field("charging_mode", int, choices=(0,)),
    Field("period_type", int, choices=(2, 3)),
    Field("period_num", int, low=1, high=2**31 - 1),
    Field("is_auto_renew", int, choices=(0, 1)),
    Field("promotion_info", str, required=False, low=0, high=2048),
    Field("subscription_num", int, low=1, high=QUOTA),
    Field("is_auto_pay", int, required=False, choices=(0, 1)),
    Field("enterprise_project_id", str, required=False, low=1, high=64),
    # ★ 0–10 is documented, yet an order of nothing is refused.
    Field("product_infos", list, low=1, high=10),
)
# snake_case, no resource_size: what both pages, the SDK and Terraform send (contract B, trap 1).
PRODUCT_FIELDS = (
    Field("cloud_service_type", str, choices=(SERVICE_TYPE,)),
    Field("resource_type", str, choices=(RESOURCE_TYPE,)),
    Field("resource_spec_code", str, choices=("ca.duration",)),
)

STATUSES = ("PENDING", "ACTIVED", "DISABLED", "DELETED", "EXPIRED")
MONTH_PRICE = {2: 1.0, 3: 12.0}  # ★ invented: one demo yuan a month


def wrong(code: str | None, message: str) -> NoReturn:
    raise ApiError(400, code or "PCA.00020001", f"Incorrect parameter: {message}")


def order(call: Call) -> Reply:
    """POST …/order. ★ Exactly subscription_num CAs, although the documents' sample shows two for one."""
    body = _read_order(call)
    item_ids = [new_ca_id() for _ in range(body["subscription_num"])]
    purchase = sell(call, "pca.v1", _goods(body), item_ids, auto_pay=body.get("is_auto_pay", 0) == 1)
    return as_json({"order_id": purchase.order_id, "ca_ids": list(purchase.item_ids)})


def _read_order(call: Call) -> JsonObject:
    if not call.request.is_json:
        wrong(None, "the content type must be application/json")
    try:
        body = read_object(call.request.body)
    except NotJsonError as error:
        wrong(None, f"the request body is not valid JSON: {error}")
    check(ORDER_FIELDS, body, wrong)
    for product in body["product_infos"]:
        if not isinstance(product, dict):
            wrong(None, "product_infos must hold objects")
        check(PRODUCT_FIELDS, product, wrong, where="product_infos.")
    return body


def _goods(body: JsonObject) -> Goods:
    return Goods(
        service_type=SERVICE_TYPE,
        resource_type=RESOURCE_TYPE,
        spec="ca.duration",
        period_type=body["period_type"],
        period_num=body["period_num"],
        quantity=body["subscription_num"],
        amount=MONTH_PRICE[body["period_type"]] * body["period_num"] * body["subscription_num"],
        enterprise_project_id=body.get("enterprise_project_id", "0"),
        facts={"is_auto_renew": body["is_auto_renew"]},
    )


# ★ Whether an unpaid CA is listed is documented nowhere: it is not (contract G.4). A blank CA has no name
# and is of no type yet, so a filter by either finds none of them.
LISTED = "o.service = 'pca.v1' AND o.paid_ms <= :now AND o.cancelled_ms IS NULL"


def list_authorities(call: Call) -> Reply:
    """GET /v1/private-certificate-authorities: no order id in the rows (contract E.2)."""
    request = call.request
    limit = number(request, "limit", 10, 0, 1000, wrong)
    offset = number(request, "offset", 0, 0, 2**31 - 1, wrong)
    status = choice(request, "status", STATUSES, None, wrong)
    kind = choice(request, "type", ("ROOT", "SUBORDINATE"), None, wrong)
    choice(request, "sort_key", ("create_time", "common_name", "type", "not_after"), None, wrong)
    direction = choice(request, "sort_dir", ("ASC", "DESC"), "DESC", wrong)
    if status not in (None, "PENDING") or kind or request.parameter("name"):
        return as_json({"total": 0, "certificate_authorities": []})
    by = f"o.executed_ms {direction}, i.seq {direction} LIMIT :limit OFFSET :offset"
    rows = call.cloud.ledger.items(LISTED, {"limit": limit, "offset": offset}, by)
    total = call.cloud.ledger.count_items(LISTED)
    return as_json({"total": total, "certificate_authorities": [_describe(call, *row) for row in rows]})


def show_authority(call: Call) -> Reply:
    """★ A missing CA is 404 PCA.00030102 as documented (Terraform saw 400 PCA.10010002)."""
    ca_id = call.path["ca_id"]
    try:
        uuid.UUID(ca_id)
    except ValueError:
        wrong("PCA.00020201", "invalid CA ID")
    rows = call.cloud.ledger.items(f"{LISTED} AND i.item_id = :ca", {"ca": ca_id})
    if not rows:
        raise ApiError(404, "PCA.00030102", "The CA or certificate is not found")
    return as_json(_describe(call, *rows[0]))


def show_quota(call: Call) -> Reply:
    used = call.cloud.ledger.count_items(LISTED)
    return as_json({"quotas": {"resources": [{"type": "CERTIFICATE_AUTHORITY", "used": used, "quota": QUOTA}]}})


def _describe(call: Call, ca_id: str, purchase: Purchase) -> dict[str, Any]:
    """★ Nothing but these is known before activation: the rest is null or empty."""
    return {
        "ca_id": ca_id,
        "type": None,
        "status": "PENDING",
        "path_length": None,
        "issuer_id": None,
        "issuer_name": None,
        "key_algorithm": None,
        "signature_algorithm": None,
        "freeze_flag": 0,
        "gen_mode": "GENERATE",
        "serial_number": None,
        "create_time": purchase.executed_ms,
        "delete_time": None,
        "not_before": None,
        "not_after": None,
        "distinguished_name": None,
        "crl_configuration": None,
        "charging_mode": 0,
        "free_quota": 0,
        "enterprise_project_id": purchase.goods.enterprise_project_id,
        "domain_id": call.cloud.account.domain_id,
        "cluster_id": None,
    }
