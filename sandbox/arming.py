"""Reading what to arm, from JSON or from a form, and refusing what makes no sense before it is needed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sandbox.fault_kinds import KINDS
from sandbox.faults import Fault

SERVICES = ("iam", "scm", "pca", "bss")
PLACES = ("purchase", "lookup", "any")
BODILESS = (101, 204, 304)


def read_fault(given: Mapping[str, Any], *, tls: bool) -> Fault:
    """Raise ValueError with a sentence. Services without purchases default to every answer of theirs."""
    values = {name: value for name, value in given.items() if value not in (None, "")}
    unknown = values.keys() - ({field.name for field in fields(Fault)} - {"number"})
    if unknown:
        raise ValueError(f"unknown parameter {min(unknown)}")
    if "kind" not in values:
        raise ValueError("kind is required")
    service = values.get("service")
    values.setdefault("on", "any" if service in ("iam", "bss") else "purchase")
    fault = Fault(**{name: _convert(name, value) for name, value in values.items()})
    _check(fault, tls=tls)
    return fault


def _convert(name: str, value: Any) -> Any:
    """Form values are text; JSON numbers and booleans are taken as they are."""
    if name in ("count", "status"):
        return _whole(name, value)
    if name in ("seconds", "then_seconds"):
        return _seconds(name, value)
    if name == "executed":
        if value not in (True, False, "true", "false"):
            raise ValueError("executed must be true or false")
        return value in (True, "true")
    return str(value)


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,6}", str(value)):
        raise ValueError(f"{name} must be a whole number")
    return int(value)


def _seconds(name: str, value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if isinstance(value, bool) or not 0 <= seconds <= 86400 * 30:
        raise ValueError(f"{name} must be a number of seconds from 0 to 30 days")
    return seconds


def _check(fault: Fault, *, tls: bool) -> None:
    kind = KINDS.get(fault.kind)
    if kind is None:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, none")
    if fault.count < 1:
        raise ValueError("count must be at least 1")
    if fault.service not in (None, *SERVICES):
        raise ValueError(f"service must be one of {', '.join(SERVICES)}")
    if fault.on not in PLACES:
        raise ValueError(f"on must be one of {', '.join(PLACES)}")
    if fault.executed is not None and not kind.either:
        raise ValueError(f"{fault.kind} is always {'executed' if kind.executes else 'not executed'}")
    if not 200 <= fault.status <= 599 or fault.status in BODILESS:
        raise ValueError("status must be from 200 to 599 and allow a body")
    _check_then(fault)
    if not tls and "executed-then-corrupt-tls" in (fault.kind, fault.then):
        raise ValueError("executed-then-corrupt-tls needs a sandbox that was started with a certificate")


def _check_then(fault: Fault) -> None:
    if fault.then is None:
        return
    then = KINDS.get(fault.then)
    if not KINDS[fault.kind].combines:
        raise ValueError(
            f"{fault.kind} cannot be combined; latency, late-execution, late-visibility and payment-fails can"
        )
    if then is None or then.combines or not (then.executes or then.either):
        raise ValueError("then must be a kind that answers after execution")
