"""A request as it was received, a reply as it will be sent, and the shapes errors take (contract C.1)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes
    request_id: str
    version: str = "HTTP/1.1"

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")

    def parameter(self, name: str) -> str | None:
        """The last value given, or None. An empty value counts as not given (BSS says so; ★ elsewhere)."""
        values = [value for key, value in self.query if key == name]
        return (values[-1] or None) if values else None

    @property
    def is_json(self) -> bool:
        return self.header("content-type").split(";")[0].strip().lower() == "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = field(default=())

    @property
    def refused(self) -> bool:
        return self.status >= 400


def as_json(value: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(status, json.dumps(value, ensure_ascii=False).encode(), headers=headers)


class ApiError(Exception):
    """The service or the gateway says no; nothing was executed."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    def reply(self, request_id: str) -> Reply:
        body: dict[str, Any] = {"error_code": self.code, "error_msg": self.message}
        if self.code.startswith("APIGW."):
            body["request_id"] = request_id
        return as_json(body, self.status)


class IamError(ApiError):
    """IAM has a shape of its own: `{"error": {"code": 401, "message": …, "title": …}}` (contract C.5)."""

    TITLES = {
        400: "Bad Request",
        401: "Unauthorized",
        403: "Forbidden",
        404: "Not Found",
        500: "Internal Server Error",
    }

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, f"IAM.{status}", message)

    def reply(self, request_id: str) -> Reply:
        error = {"code": self.status, "message": self.message, "title": self.TITLES[self.status]}
        return as_json({"error": error}, self.status, headers=(("X-IAM-Trace-Id", f"token_{request_id}"),))
