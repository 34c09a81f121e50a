"""The body: the exact bytes that are POSTed, and how they are recognised."""

import hashlib
import json
from typing import Any

from orders.catalogue.fields import Values
from orders.catalogue.offers import Offer, problems
from orders.errors import Invalid

REFERENCE_TAG = "countersign-order"


def render(offer: Offer, values: Values, *, reference: str) -> bytes:
    """The exact bytes that will be POSTed. Raises `Invalid`: a body the form would refuse is never made.

    Indented, because people read and approve exactly these bytes.
    """
    found = problems(offer, values)
    if found:
        raise Invalid(found)
    body = _content(offer, values)
    if offer.carries_reference:
        body["tags"] = [{"key": REFERENCE_TAG, "value": reference}]
    return json.dumps(body, ensure_ascii=False, indent=2).encode()


def reference_in(body: bytes) -> str:
    """The portal's reference that a body carries, or nothing."""
    tags = json.loads(body).get("tags", [])
    return next((str(each["value"]) for each in tags if each["key"] == REFERENCE_TAG), "")


def _content(offer: Offer, values: Values) -> dict[str, Any]:
    """What is bought: the fields in the catalogue's order, without the optional ones that were left empty."""
    given = {each.name: values[each.name] for each in offer.fields if values.get(each.name) not in (None, "")}
    return given | dict(offer.fixed)


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def fingerprint(offer: Offer, values: Values) -> str:
    """The same for two orders that would buy the same: what the cloud could confuse in its order list."""
    content = {"product": offer.product, "content": _content(offer, values)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
