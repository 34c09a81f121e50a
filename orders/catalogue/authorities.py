"""Private CAs: fields and what is always sent (the CA order documents, zh and en; contract B)."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from orders.catalogue.fields import Field, Range

CA_SERVICE = "hws.service.type.ccm"
CA_FIXED: Mapping[str, Any] = {
    "cloud_service_type": CA_SERVICE,
    "charging_mode": 0,
    "product_infos": [
        {
            "cloud_service_type": CA_SERVICE,
            "resource_type": "hws.resource.type.pca.duration",
            "resource_spec_code": "ca.duration",
        }
    ],
}

CA_FIELDS = (
    Field(
        name="period_type",
        label=_("Period unit"),
        kind="choice",
        choices=((2, _("Months")), (3, _("Years"))),
        initial=2,
    ),
    Field(
        name="period_num",
        label=_("Number of periods"),
        kind="integer",
        range=Range(low=1, high=lambda: settings.CA_MAX_PERIODS, ours=True),
        initial=1,
    ),
    Field(
        name="subscription_num",
        label=_("Quantity"),
        kind="integer",
        range=Range(low=1, high=lambda: settings.CA_MAX_QUANTITY, ours=True),
        initial=1,
        help=_("How many private CAs to buy."),
    ),
    Field(
        name="is_auto_renew",
        label=_("Renew automatically"),
        kind="flag",
        initial=0,
        help=_("The cloud goes on charging for a new period until somebody stops it."),
    ),
    Field(
        name="is_auto_pay",
        label=_("Pay automatically"),
        kind="flag",
        initial=0,
        required=False,
        help=_("Without it the order waits for payment in the cloud's console."),
    ),
    Field(
        name="promotion_info",
        label=_("Discount information"),
        kind="text",
        max_length=2048,
        initial="",
        required=False,
    ),
    Field(
        name="enterprise_project_id",
        label=_("Enterprise project"),
        kind="text",
        max_length=64,
        pattern=r"[0-9A-Za-z-]+",  # the certificate API documents 0 or a UUID; this one only a length (contract A.2, B)
        initial="0",
        required=False,
        help=_("The id of the enterprise project that pays; 0 is the default project."),
    ),
)
