"""Reading query parameters; what is wrong is said in the service's own error code."""

from __future__ import annotations

import re

from sandbox.bodies import Wrong
from sandbox.messages import Request


def number(request: Request, name: str, default: int, low: int, high: int, wrong: Wrong) -> int:
    text = request.parameter(name)
    if text is None:
        return default
    if not re.fullmatch(r"\d{1,10}", text) or not low <= int(text) <= high:
        wrong(None, f"{name} must be between {low} and {high}")
    return int(text)


def choice(request: Request, name: str, choices: tuple[str, ...], default: str | None, wrong: Wrong) -> str | None:
    text = request.parameter(name)
    if text is None:
        return default
    if text not in choices:
        wrong(None, f"{name} is not one of {', '.join(choices)}")
    return text
