"""Reading a JSON body strictly, and the table that says what a field may hold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

JsonObject = dict[str, Any]
Wrong = Callable[[str | None, str], NoReturn]


class NotJsonError(ValueError):
    pass


def read_object(body: bytes) -> JsonObject:
    """★ Stricter than most parsers: no duplicate keys, NaN, byte-order mark or lone surrogates.

    What one parser reads as 1 and another as 2 must not be bought.
    """
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise NotJsonError(str(error)) from error
    if not isinstance(value, dict):
        raise NotJsonError("the body is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a parameter table. `low`/`high` bound an integer, or the length of a string or list.

    `code` is for a value of the right type that is not allowed; None means the service's general one.
    """

    name: str
    kind: type
    required: bool = True
    choices: tuple[Any, ...] = ()
    low: int | None = None
    high: int | None = None
    pattern: str | None = None
    code: str | None = None


def check(fields: Iterable[Field], body: JsonObject, wrong: Wrong, where: str = "") -> None:
    """Call `wrong(code, message)`, which raises, for the first rule that is broken.

    ★ Unknown fields are refused: undocumented what the cloud does with them, and a misspelt
    `is_auto_pay` that is silently ignored would change what is paid.
    """
    table = tuple(fields)
    unknown = body.keys() - {field.name for field in table}
    if unknown:
        wrong(None, f"unknown parameter {where}{min(unknown)}")
    for field in table:
        if field.name in body:
            _check_value(field, body[field.name], wrong, where + field.name)
        elif field.required:
            wrong(None, f"{where}{field.name} is required")


def _check_value(field: Field, value: object, wrong: Wrong, name: str) -> None:
    # bool is a subclass of int: `True` is neither 1 nor an Integer here (contract B, trap 3).
    if not isinstance(value, field.kind) or (isinstance(value, bool) and field.kind is not bool):
        wrong(None, f"{name} must be of type {field.kind.__name__}")
    if field.choices and value not in field.choices:
        wrong(field.code, f"{name} is not one of {', '.join(map(str, field.choices))}")
    size = value if isinstance(value, int) else len(value) if isinstance(value, str | list) else 0
    if (field.low is not None and size < field.low) or (field.high is not None and size > field.high):
        wrong(field.code, f"{name} must be between {field.low} and {field.high}")
    if field.pattern and not re.fullmatch(field.pattern, str(value)):
        wrong(field.code, f"{name} has an invalid format")
