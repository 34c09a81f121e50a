"""What the cloud's codes mean, in a sentence a person understands (contract C.2 to C.4).

Decided by code, never by the cloud's text; that text is shown beside it as it came.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from orders.catalogue import Text
from orders.models import Attempt, Outcome

SENTENCES: Mapping[str, Text] = {
    "SCM.0005": _("The cloud found a field of the order incorrect."),
    "SCM.0002": _("The configured project does not belong to the portal's cloud account."),
    "SCM.0003": _("The portal's cloud user may not buy certificates."),
    "SCM.0011": _("The cloud account has reached its number of certificates."),
    "SCM.0017": _("The cloud does not sell this certificate at the moment."),
    "SCM.0036": _("The number of domains does not fit the certificate."),
    "SCM.0049": _("The cloud does not sell this brand at the moment."),
    "SCM.0050": _("The cloud does not sell this certificate type."),
    "SCM.0051": _("The cloud does not sell this domain type for the certificate."),
    "SCM.0052": _("The cloud does not sell this validity."),
    "SCM.0060": _("The cloud does not sell this quantity."),
    "SCM.1000": _("The cloud did not accept the portal's token."),
    "SCM.1009": _("The cloud account is restricted."),
    "SCM.1010": _("The cloud account is frozen."),
    "SCM.4002": _("The portal's cloud user lacks the permission to buy."),
    "PCA.00020001": _("The cloud found a field of the order incorrect."),
    "PCA.00010001": _("The cloud did not accept the portal's token."),
    "PCA.00010002": _("The cloud account is frozen."),
    "APIGW.0301": _("The cloud did not accept the portal's credentials."),
    "APIGW.0302": _("The portal's cloud user may not call this API."),
    "APIGW.0307": _("The portal's token had to be renewed."),
    "APIGW.0308": _("The cloud is busy and asked to come back later."),
    "APIGW.0613": _("The cloud's sign-in service was not available."),
}

OUTCOMES: Mapping[str, Text] = {
    Outcome.NOT_SENT: _("The cloud could not be reached. Nothing was sent; the portal tries again."),
    Outcome.BOUNCED: _("The cloud turned the request away before it reached the service. The portal tries again."),
    Outcome.REFUSED: _("The cloud refused the order. Nothing was bought."),
    Outcome.LOST: _("No clear answer came back: the order may have been placed. Do not order again."),
}


def explain(attempt: Attempt) -> str:
    """Why the last attempt did not place the order; empty where it did or is still under way."""
    sentence = OUTCOMES.get(attempt.outcome, "")
    meaning = SENTENCES.get(attempt.code.replace("APIG.", "APIGW."), "")
    return " ".join(str(part) for part in (meaning, sentence) if part)
