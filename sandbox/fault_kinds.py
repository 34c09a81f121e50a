"""What can go wrong, as data: one row per kind of fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sandbox.faults import Fault
from sandbox.messages import ApiError, IamError, Reply, Request, as_json


class Ending(Enum):
    """How the bytes of an answer reach the caller, or do not."""

    WHOLE = "whole"
    RESET = "reset"
    CLOSE = "close"
    SILENT = "silent"
    TRUNCATED = "truncated"
    CORRUPT_TLS = "corrupt-tls"
    DRIP = "drip"


# What is sent instead of the true answer (None: nothing was executed), for this fault, service and request.
Rewrite = Callable[[Reply | None, Fault, str, Request], Reply]


def _true_answer(reply: Reply | None, _fault: Fault, _service: str, _request: Request) -> Reply:
    return reply or Reply(500)


def _gateway(status: int, code: str, message: str) -> Rewrite:
    def rewrite(_reply: Reply | None, _fault: Fault, _service: str, request: Request) -> Reply:
        return ApiError(status, code, message).reply(request.request_id)

    return rewrite


def _constant(reply: Reply) -> Rewrite:
    return lambda _reply, _fault, _service, _request: reply


def _invalid_json(reply: Reply | None, _fault: Fault, service: str, _request: Request) -> Reply:
    """The documents' own sample (S0) with the real ids: a comma missing after order_id, one too many later."""
    body = json.loads(reply.body) if reply and reply.body else {}
    order = f'{{  \n"order_id": "{body.get("order_id", "CS1803192259ROA8U")}" \n'
    if service == "pca":
        ids = ", ".join(f'"{ca_id}"' for ca_id in body.get("ca_ids", []))
        return Reply(200, f'{order}"ca_ids": [{ids}, ] \n}}'.encode())
    certs = body.get("cert") or [{"cert_id": "scs1481110651012"}]
    items = ", ".join(f'{{ \n         "cert_id": "{cert["cert_id"]}", \n       }}' for cert in certs)
    return Reply(200, f'{order}"cert": [{items}] \n}}'.encode())


def _redirect(_reply: Reply | None, _fault: Fault, _service: str, request: Request) -> Reply:
    return Reply(307, content_type="text/html", headers=(("Location", request.target),))


def _server_error(_reply: Reply | None, _fault: Fault, service: str, request: Request) -> Reply:
    """SCM.0016 as Terraform saw it (contract A.5). ★ No PCA order code is known: PCA.XXX, as in its sample."""
    codes = {"scm": ("SCM.0016", "订单异常"), "pca": ("PCA.XXX", "订单异常"), "bss": ("CBC.0999", "其他错误")}
    if service == "iam":
        return IamError(500, "Internal error").reply(request.request_id)
    return ApiError(500, *codes[service]).reply(request.request_id)


def _out_of_sale(_reply: Reply | None, _fault: Fault, service: str, request: Request) -> Reply:
    """★ SCM.0049 "brand abnormal" is the nearest documented code; PCA has only its general 400."""
    scm = (400, "SCM.0049", "The certificate brand is out of sale")
    pca = (400, "PCA.00020001", "Incorrect parameter: the product is out of sale")
    return ApiError(*(pca if service == "pca" else scm)).reply(request.request_id)


def _error(_reply: Reply | None, fault: Fault, _service: str, request: Request) -> Reply:
    return ApiError(fault.status, fault.error_code, fault.error_msg).reply(request.request_id)


@dataclass(frozen=True, slots=True)
class Kind:
    """`either` kinds may be armed with `executed` true or false; `executes` is their default.

    `seconds` is the default length of what takes time. `combines` kinds may be followed by another (`then`).
    """

    help: str
    executes: bool
    rewrite: Rewrite = _true_answer
    ending: Ending = Ending.WHOLE
    either: bool = False
    seconds: float | None = None
    combines: bool = False


def _bought(text: str, rewrite: Rewrite = _true_answer, *, ending: Ending = Ending.WHOLE, **more: Any) -> Kind:
    return Kind(text, executes=True, rewrite=rewrite, ending=ending, **more)


def _not_bought(text: str, rewrite: Rewrite = _true_answer, **more: Any) -> Kind:
    return Kind(text, executes=False, rewrite=rewrite, **more)


HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
THROTTLED = "The throttling threshold has been reached: policy user over ratelimit,limit:10,time:1 second"
BAD_TOKEN = "Incorrect IAM authentication information: decrypt token fail"  # noqa: S105 - a message
FORBIDDEN = "The IAM user is not authorized to access the API"
NO_IAM = "The IAM service is currently unavailable"

KINDS: dict[str, Kind] = {
    "executed-then-reset": _bought("bought, then the connection is reset", ending=Ending.RESET),
    "executed-then-silent": _bought("bought, then nothing for a while", ending=Ending.SILENT, seconds=120),
    "executed-then-504": _bought("bought, then 504", _gateway(504, "APIGW.0201", "Backend timeout")),
    "executed-then-close": _bought("bought, then closed without an answer", ending=Ending.CLOSE),
    "executed-then-truncated": _bought("bought, the answer is cut short", ending=Ending.TRUNCATED),
    "executed-then-corrupt-tls": _bought("bought, then an unreadable record", ending=Ending.CORRUPT_TLS),
    "200-without-id": _bought("200 without an order id", _constant(as_json({})), either=True),
    "invalid-json": _bought("bought, answered with the documents' invalid sample", _invalid_json),
    "202-empty": _bought("202 with an empty body", _constant(Reply(202)), either=True),
    "502-html": _bought("502 with a page of HTML", _constant(Reply(502, HTML, "text/html")), either=True),
    "redirect": _not_bought("307 to the same address", _redirect, either=True),
    "refuse-before-connect": _not_bought("the port is closed for a while", seconds=3),
    "reset-before-execution": _not_bought("not bought, the connection is reset", ending=Ending.RESET),
    "429": _not_bought("throttled: 429 APIGW.0308", _gateway(429, "APIGW.0308", THROTTLED)),
    "401": _not_bought("not authenticated: 401 APIGW.0301", _gateway(401, "APIGW.0301", BAD_TOKEN)),
    "403": _not_bought("not authorised: 403 APIGW.0302", _gateway(403, "APIGW.0302", FORBIDDEN)),
    "500": _not_bought("500 SCM.0016 订单异常", _server_error, either=True),
    "503": _not_bought("503 APIGW.0613", _gateway(503, "APIGW.0613", NO_IAM)),
    "out-of-sale": _not_bought("refused: the product is not sold any more", _out_of_sale),
    "error": _not_bought("any status and error code", _error, either=True),
    "latency": _bought("bought, answered late", seconds=2, combines=True),
    "slow-drip": _bought("bought, answered one byte at a time", ending=Ending.DRIP, seconds=0.05),
    "late-execution": _bought("closed now, bought later", ending=Ending.CLOSE, seconds=5, combines=True),
    "late-visibility": _bought("bought, in no list for a while", seconds=60, combines=True),
    "payment-fails": _bought("bought, stays unpaid", combines=True),
}
