"""Orders and people for tests, made through the real verbs."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group
from django.utils import timezone
from pydantic import SecretStr

from orders import catalogue, purchasing
from orders.account import current_account
from orders.actions import approving, moves, ordering, submitting
from orders.actions.ordering import Content
from orders.cloud.exchange import Exchange, Phase
from orders.cloud.transport import send_once
from orders.cloud.verdicts import Doubt, NotReached, Placed, Refused, Unknown
from orders.models import Attempt, Order, Stop
from orders.states import STAGES, Status
from portal.config import Config, config
from portal.models import User
from tests import sandbox_process

CERTIFICATE: dict[str, Any] = {
    "cert_brand": "GLOBALSIGN",
    "cert_type": "OV_SSL_CERT",
    "domain_type": "MULTI_DOMAIN",
    "effective_time": 1,
    "domain_numbers": 5,
    "order_number": 1,
    "agree_privacy_protection": True,
}
CA: dict[str, Any] = {
    "period_type": 2,
    "period_num": 1,
    "subscription_num": 1,
    "is_auto_renew": 0,
    "is_auto_pay": 0,
    "promotion_info": "",
    "enterprise_project_id": "0",
}


def person(username: str, *groups: str, **fields: Any) -> User:
    user: User = User.objects.create_user(username, password="only-for-tests", **fields)
    for name in groups:
        user.groups.add(group(name))
    return user


def group(name: str) -> Group:
    return Group.objects.get_or_create(name=name)[0]


def certificate(**changes: Any) -> Content:
    names = changes.pop("domain_names", ["www.example.com"])
    return Content(values=CERTIFICATE | changes, purpose="Shop front", team="Payments", domain_names=names)


def ca(**changes: Any) -> Content:
    return Content(values=CA | changes, purpose="Service mesh", team="Platform")


def order(by: User, content: Content | None = None, *, request: bool = True, **create: Any) -> Order:
    """A new order: pending, or a draft with `request=False`."""
    content = content or certificate()
    product = catalogue.Product.CA if "period_type" in content.values else catalogue.Product.CERTIFICATE
    given: dict[str, Any] = {
        "offer": catalogue.current_offer(product),
        "content": content,
        "token": uuid.uuid4(),
    } | create
    return ordering.create(by=by, request=request, **given)


def approve(found: Order, *approvers: User) -> Order:
    for each in approvers:
        seen: dict[str, Any] = {"digest": found.content.digest, "seen_revision": found.content.number}
        found = approving.approve(order=found, by=each, **seen)
    return found


def bought(found: Order) -> Order:
    """Let the worker's code try to buy it, and look at the row."""
    purchasing.buy(found.pk)
    return fresh(found)


def fresh(found: Order) -> Order:
    return Order.objects.select_related("revision", "attempt", "requester").get(pk=found.pk)


def cloud_config(url: str, **changes: Any) -> Config:
    """The configuration of a portal whose cloud is the sandbox at `url`."""
    endpoints = {f"{service}_endpoint": url for service in ("scm", "pca", "iam", "bss")}
    return config.model_copy(
        update={
            **endpoints,
            "sandbox_url": url,
            "cloud_sdk_ak": sandbox_process.AK,
            "cloud_sdk_sk": SecretStr(sandbox_process.SK),
            "cloud_iam_user": sandbox_process.USER,
            "cloud_project_id": sandbox_process.PROJECT_ID,
            "cloud_domain_id": sandbox_process.DOMAIN_ID,
            "cloud_connect_timeout": 1.0,
            "cloud_read_timeout": 1.0,
            "cloud_deadline": 2.0,
            **changes,
        }
    )


def purchase_by_hand(found: Order) -> None:
    """Somebody buys the same in the cloud, past the portal."""
    cloud = current_account()
    call = cloud.purchase_call(found.content.api, bytes(found.content.body))
    send_once(
        cloud.authenticated(call, now=datetime.now(UTC)),
        before_first_byte=lambda: None,
        timeouts=cloud.timeouts,
        tls=cloud.tls,
    )


# ---------------------------------------------------------------- what the worker does, without any HTTP

ENDPOINT = "POST https://scm.example.com/v2/project/scm/cert/purchase"
BOUGHT = Placed(order_id="CS1803192259ROA8U", item_ids=("scs1481110651012",))
NO = Refused(code="SCM.0049", message="The brand is not sold.")
BUSY = NotReached(code="APIGW.0308", message="Too many requests.", renew=False, permanent=False)
STALE_TOKEN = NotReached(code="APIGW.0307", message="Token must be updated.", renew=True, permanent=False)
SILENCE = Unknown(reason=Doubt.TIMEOUT, detail="ReadTimeout")


def claimed(found: Order) -> Attempt:
    """The claim that the transport takes before the first byte."""
    sha256 = fresh(found).content.digest
    return submitting.claim(order=found, sha256=sha256, endpoint=ENDPOINT, started_at=datetime.now(UTC))


def exchange(**changes: Any) -> Exchange:
    """Evidence of a try that was answered completely."""
    now = datetime.now(UTC)
    evidence: dict[str, Any] = {
        "endpoint": ENDPOINT,
        "body_sha256": "0" * 64,
        "started_at": now,
        "first_byte_at": now,
        "answered_at": now,
        "finished_at": now,
        "peer": "127.0.0.1:443",
        "phase": Phase.COMPLETE,
        "bytes_sent": 300,
        "bytes_received": 200,
        "status": 200,
        "request_id": "0123456789abcdef0123456789abcdef",
        "body": b"{}",
    }
    return Exchange(**evidence | changes)


def answered(found: Order, verdict: Placed | Refused | NotReached | Unknown) -> Order:
    """Send it and let the cloud answer that."""
    submitting.conclude(attempt=claimed(found), exchange=exchange(), verdict=verdict)
    return fresh(found)


def _moved(found: Order, event: str) -> Order:
    moves.move(found, event, by=None)
    return found


def _reaching(by: User, approver: User) -> dict[Status, Callable[[], Order]]:
    def decided(verb: Callable[..., Order]) -> Order:
        found = order(by)
        return verb(order=found, by=approver, digest=found.content.digest, seen_revision=1, comment="No.")

    def approved() -> Order:
        return approve(order(by), approver)

    return {
        Status.DRAFT: lambda: order(by, request=False),
        Status.PENDING_APPROVAL: lambda: order(by),
        Status.CHANGES_REQUESTED: lambda: decided(approving.request_changes),
        Status.APPROVED: approved,
        Status.SUBMITTING: lambda: claimed(approved()).order,
        Status.UNCONFIRMED: lambda: answered(approved(), SILENCE),
        Status.FAILED: lambda: answered(approved(), NO),
        Status.PLACED: lambda: answered(approved(), BOUGHT),
        Status.REJECTED: lambda: decided(approving.reject),
        Status.WITHDRAWN: lambda: ordering.withdraw(order=order(by), by=by, reason="Not needed."),
        Status.EXPIRED: lambda: _moved(order(by), "expired"),
        Status.ABSENT: lambda: _moved(answered(approved(), SILENCE), "declared_absent"),
    }


def in_status(status: Status, by: User, approver: User) -> Order:
    """An order that came to `status` the way orders do."""
    found = fresh(_reaching(by, approver)[status]())
    assert found.status == status
    return found


def kinds(found: Order) -> list[str]:
    """What the history says of it, oldest first."""
    return list(found.events.order_by("pk").values_list("kind", flat=True))


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row of the domain, to show that nothing changed."""
    models = apps.get_app_config("orders").get_models()
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def put(found: Order, status: Status, **columns: Any) -> Order:
    """Into a status past all verbs, where only the status matters and not how the order got there."""
    now = timezone.now()
    lasts = STAGES[status].lasts
    columns["deadline_at"] = None if lasts is None else now + lasts
    columns["cloud_order_id"] = f"CS{found.pk}" if status == Status.PLACED else None
    Order.objects.filter(pk=found.pk).update(status=status, **columns)
    return fresh(found)


def announced(message: Any) -> int:
    """The order that a message to the workers names."""
    assert message.headers["task"] == "orders.submit_order"
    _args, kwargs, _embed = message.payload
    return int(kwargs["order_id"])


def retried(order: Order, by: User) -> Order:
    return ordering.retry(order=order, by=by)


def without_right(user: User) -> User:
    """They leave the security team. The object they were loaded as knows nothing of it."""
    user.groups.clear()
    return User.objects.get(pk=user.pk)


def lift_stops() -> None:
    """The breaker guards against what a test does on purpose."""
    Stop.objects.filter(lifted_at=None).update(lifted_at=timezone.now())
