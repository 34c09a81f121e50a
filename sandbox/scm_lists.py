"""SCM v3: looking back, with the real lists' blind spots (contract E.1, G.7).

Rows carry no order id and no create time, and only about the newest 150 are in reach.
★ Unpaid certificates are in no list and cannot be shown: whether the cloud lists them, and under which status,
is documented nowhere.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.bodies import Field, JsonObject, check
from sandbox.cloud import Call
from sandbox.messages import ApiError, Reply, as_json
from sandbox.purchase import Purchase
from sandbox.queries import choice, number
from sandbox.scm_buy import read_body, wrong
from sandbox.scm_catalogue import UUID_OR_WORD
from sandbox.scm_tags import Filter

STATUSES = (
    *("ALL", "PAID", "ISSUED", "CHECKING", "CANCELCHECKING", "UNPASSED", "EXPIRED", "REVOKING", "REVOKED"),
    *("UPLOAD", "CHECKING_ORG", "ISSUING", "SUPPLEMENTCHECKING"),
)
SORT_KEYS = ("certExpiredTime", "certStatus", "certUpdateTime")
PAGE_SIZES = (10, 20, 50)
BOOLEANS = ("true", "false")

LISTED = "o.service GLOB 'scm.*' AND o.paid_ms <= :now AND o.cancelled_ms IS NULL"

TAG_SEARCH_FIELDS = (
    Field("action", str, choices=("filter", "count")),
    Field("without_any_tag", bool, required=False),
    *(Field(name, list, required=False, high=20) for name in ("tags", "tags_any", "not_tags", "not_tags_any")),
    Field("limit", int, required=False, choices=PAGE_SIZES, code="SCM.0318"),
    Field("offset", int, required=False, low=0, code="SCM.0319"),
    Field("matches", list, required=False, high=20),
)


def list_certificates(call: Call) -> Reply:
    """GET /v3/scm/certificates. ★ `offset` counts rows. Every certificate here is PAID, never updated."""
    request = call.request
    limit = number(request, "limit", 10, 10, 50, wrong)
    if limit not in PAGE_SIZES:
        wrong(None, "limit is not one of 10, 20, 50")
    offset = number(request, "offset", 0, 0, 100, wrong)
    status = choice(request, "status", STATUSES, "ALL", wrong)
    choice(request, "sort_key", SORT_KEYS, None, wrong)
    direction = choice(request, "sort_dir", ("ASC", "DESC"), "DESC", wrong)
    where, values = _filters(call)
    if status not in ("ALL", "PAID"):
        where = "0"
    by = f"o.executed_ms {direction}, i.seq {direction} LIMIT :limit OFFSET :offset"
    rows = call.cloud.ledger.items(where, {**values, "limit": limit, "offset": offset}, by)
    listed = [describe(call, cert_id, purchase) for cert_id, purchase in rows]
    return as_json({"certificates": listed, "total_count": call.cloud.ledger.count_items(where, values)})


def _filters(call: Call) -> tuple[str, dict[str, object]]:
    request = call.request
    where, values = LISTED, dict[str, object]()
    deployable = choice(request, "deploy_support", BOOLEANS, None, wrong)
    choice(request, "owned_by_self", BOOLEANS, None, wrong)
    expired = number(request, "expired_days_since", 0, 0, 1095, wrong)
    project = request.parameter("enterprise_project_id") or "all"
    content = request.parameter("content") or ""
    if len(content) > 255:
        wrong(None, "content must not be longer than 255")
    if not re.fullmatch(UUID_OR_WORD, project):
        wrong(None, "enterprise_project_id has an invalid format")
    if deployable == "true" or expired:
        where = "0"  # nothing here was issued, so nothing can be deployed or has expired
    if project != "all":
        where, values["project"] = f"{where} AND o.enterprise_project_id = :project", project
    if content:
        where, values["content"] = f"{where} AND instr('scm-' || i.item_id, :content)", content
    return where, values


def show_certificate(call: Call) -> Reply:
    """GET /v3/scm/certificates/{certificate_id}: all of the row, and the order id."""
    cert_id = call.path["certificate_id"]
    rows = call.cloud.ledger.items(f"{LISTED} AND i.item_id = :cert", {"cert": cert_id})
    if not rows:
        raise ApiError(404, "SCM.0020", "Incorrect certificate ID")  # ★ 404 as Terraform saw; the code is a guess
    row = describe(call, *rows[0])
    for name in ("deploy_support", "expire_time", "domain_id"):
        del row[name]
    primary = rows[0][1].goods.facts["primary_domain_type"]
    multi = row["domain_type"] == "MULTI_DOMAIN"
    return as_json(
        {
            **row,
            "order_id": rows[0][1].order_id,
            "multi_domain_type": ("primary_wildcard" if primary == "WILDCARD_DOMAIN" else "primary_single")
            if multi
            else "",
            "issue_time": None,
            "not_before": None,
            "not_after": None,
            "validation_method": None,
            "push_support": "OFF",
            "revoke_reason": None,
            "fingerprint": "",
            "shared": False,
            "application_info": None,
            "authentification": [],
        }
    )


def search_by_tag(call: Call) -> Reply:
    """POST /v3/scm/resource_instances/action: the only way back from a reference of ours to a certificate."""
    if call.path["resource_instances"] != "resource_instances":
        raise ApiError(404, "APIGW.0101", "The API does not exist or has not been published in the environment")
    body = read_body(call)
    check(TAG_SEARCH_FIELDS, body, wrong)
    wanted = Filter.read(body, wrong)
    rows = [
        row for row in call.cloud.ledger.items(*_candidates(wanted)) if wanted.matches(row[1].goods.tags, _name(row[0]))
    ]
    if body["action"] == "count":
        return as_json({"total_count": len(rows)})
    offset = body.get("offset", 0)
    page = rows[offset : offset + body.get("limit", 10)]
    return as_json({"resources": [_tagged(*row) for row in page], "total_count": len(rows)})


def _candidates(wanted: Filter) -> tuple[str, dict[str, object], str]:
    """Let the index answer the usual question, one key with its value; the filter itself decides."""
    newest_first = "o.executed_ms DESC, i.seq DESC"
    if not wanted.tags:
        return LISTED, {}, newest_first
    key, values = next(iter(wanted.tags.items()))
    held = "SELECT t.order_id FROM tags t WHERE t.key = :key"
    if values:
        held += " AND t.value IN (SELECT value FROM json_each(:values))"
    return f"{LISTED} AND o.order_id IN ({held})", {"key": key, "values": json.dumps(values)}, newest_first


def _name(cert_id: str) -> str:
    return f"scm-{cert_id}"


def describe(call: Call, cert_id: str, purchase: Purchase) -> dict[str, Any]:
    """★ What is not known before the application is empty. Years are stacked: always 12 months."""
    facts: JsonObject = purchase.goods.facts
    return {
        "id": cert_id,
        "name": _name(cert_id),
        "domain": "",
        "sans": "",
        "signature_algorithm": "",
        "deploy_support": False,
        "type": facts["cert_type"],
        "brand": facts["cert_brand"],
        "expire_time": "",
        "domain_type": facts["domain_type"],
        "validity_period": 12,
        "status": "PAID",
        "domain_count": facts["domain_numbers"],
        "wildcard_count": facts["wildcard_count"],
        "description": "",
        "domain_id": call.cloud.account.domain_id,
        "enterprise_project_id": purchase.goods.enterprise_project_id,
    }


def _tagged(cert_id: str, purchase: Purchase) -> dict[str, Any]:
    facts = purchase.goods.facts
    return {
        "resource_id": cert_id,
        "resource_name": _name(cert_id),
        "tags": [{"key": key, "value": value} for key, value in purchase.goods.tags.items()],
        "resource_detail": {
            "cert_id": cert_id,
            "cert_name": _name(cert_id),
            "cert_type": facts["cert_type"],
            "cert_brand": facts["cert_brand"],
            "domain_type": facts["domain_type"],
            "domain_num": facts["domain_numbers"],
            "wildcard_number": facts["wildcard_count"],
            "purchase_period": facts["effective_time"],
            "order_status": "PAID",
            "partner_order_id": "",  # the CA's number, none before the application; never our order id
            "fail_reason": "",
            "enterprise_project_id": purchase.goods.enterprise_project_id,
        },
    }
