"""What the cloud's codes mean, and the portal's own words for a try that went wrong, in a sentence a person understands
(contract C.2 to C.4).

Decided by code, never by the cloud's text; that text is shown beside it as it came.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from orders.catalogue import Text
from orders.cloud.verdicts import Doubt
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

WORKER_GONE = "worker_gone"

TROUBLES: Mapping[str, Text] = {
    Doubt.TIMEOUT: _("The request was sent, and no answer came in time."),
    Doubt.RESET: _("The request was sent, and then the connection broke."),
    Doubt.NO_ANSWER: _("The request was sent, and the cloud hung up without a word."),
    Doubt.UNREADABLE_ANSWER: _("The request was sent, and what came back is no HTTP answer."),
    Doubt.TRUNCATED: _("The answer broke off before its end."),
    Doubt.TOO_LARGE: _("The answer was longer than the portal reads."),
    Doubt.UNREADABLE_BODY: _("The cloud said yes, but its answer cannot be read."),
    Doubt.NO_ORDER_ID: _("The cloud said yes, but named no order."),
    Doubt.NOT_FINAL: _("The cloud took the request, but did not say that it placed the order."),
    Doubt.REDIRECT: _("The cloud pointed to another address, and the portal did not follow."),
    Doubt.SERVER_ERROR: _("The cloud had an error of its own, perhaps after it had placed the order."),
    Doubt.AMBIGUOUS_CODE: _("The cloud's error code leaves open whether the order was placed."),
    Doubt.UNKNOWN_CODE: _("The cloud's error is on no list of the portal, so it proves nothing."),
    Doubt.CONTRADICTION: _("The cloud answered with an error and with an order id at once."),
    "foreign_id": _("The cloud named an order id that already belongs to another order here."),
    "late_answer": _("The cloud's answer came after the portal had given it up, so it settles nothing."),
    WORKER_GONE: _("The worker that sent it is gone, and nobody was there for the answer."),
    "SystemExit": _("The worker was stopped before the answer was there."),
    "KeyboardInterrupt": _("The worker was stopped before the answer was there."),
    "SoftTimeLimitExceeded": _("The worker had used up its time before the answer was there."),
    "ConnectError": _("No connection to the cloud could be made."),
    "ConnectTimeout": _("The cloud did not take the connection in time."),
    "CredentialsRefused": _("The cloud did not accept the portal's credentials."),
    "IamUnavailable": _("The cloud's sign-in service was not available."),
    "BadEndpoint": _("The cloud's address in the portal's settings cannot be used."),
}
"""By the first word of an attempt's error: why the outcome is unknown, what ended the worker, why nothing was sent."""


def trouble(attempt: Attempt) -> str:
    """The first word of the attempt's error in a sentence; empty where there is none for it."""
    return str(TROUBLES.get(attempt.error.partition(" ")[0].removesuffix(":"), ""))


def explain(attempt: Attempt) -> str:
    """Why the last attempt did not place the order; empty where it did or is still under way."""
    sentence = OUTCOMES.get(attempt.outcome, "")
    meaning = SENTENCES.get(attempt.code.replace("APIG.", "APIGW."), "")
    return " ".join(str(part) for part in (meaning, sentence) if part)
