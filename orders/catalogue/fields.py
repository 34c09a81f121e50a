"""What a field of a request body is, and what can be wrong with its value."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories that show nothing, or change how their neighbours are shown."""

Text = str | Promise
Values = Mapping[str, Any]
Problems = dict[str, list[Text]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    low: int
    high: Callable[[], int]
    ours: bool = False
    """The limit is the portal's own: the cloud documents none (contract B, H)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a request body, under the API's own name."""

    name: str
    label: Text
    kind: Literal["choice", "integer", "flag", "switch", "consent", "text"]
    """`flag` is 0 or 1, `switch` is true or false: the two APIs differ (contract B, trap 3)."""
    help: Text = ""
    choices: tuple[tuple[str | int, Text], ...] = ()
    range: Range | None = None
    max_length: int | None = None
    pattern: str | None = None
    required: bool = True
    initial: Any = None


def between(low: int, high: int) -> Range:
    return Range(low=low, high=lambda: high)


def field_problem(each: Field, value: Any) -> Text | None:
    """The one sentence that says what is wrong with this value alone, or None."""
    if value is None or value == "":
        return _("This field is required.") if each.required else None
    return _KINDS[each.kind](each, value)


def _choice_problem(each: Field, value: Any) -> Text | None:
    known = any(type(value) is type(choice) and value == choice for choice, _label in each.choices)
    return None if known else _("Choose one of the offered values.")


def _integer_problem(each: Field, value: Any) -> Text | None:
    if type(value) is not int:
        return _("Enter a whole number.")
    if each.range is None or each.range.low <= value <= each.range.high():
        return None
    bounds = {"low": each.range.low, "high": each.range.high()}
    if each.range.ours:
        return (
            _("Enter a number from %(low)d to %(high)d. This is the portal's limit; the cloud documents none.") % bounds
        )
    return _("Enter a number from %(low)d to %(high)d.") % bounds


def _flag_problem(each: Field, value: Any) -> Text | None:  # noqa: ARG001
    return None if type(value) is int and value in (0, 1) else _("Choose yes or no.")


def _switch_problem(each: Field, value: Any) -> Text | None:  # noqa: ARG001
    return None if type(value) is bool else _("Choose yes or no.")


def _consent_problem(each: Field, value: Any) -> Text | None:  # noqa: ARG001
    return None if value is True else _("The cloud sells only to those who agree to its privacy terms.")


def _text_problem(each: Field, value: Any) -> Text | None:
    if not isinstance(value, str):
        return _("Enter text.")
    if each.max_length is not None and len(value) > each.max_length:
        return _("Enter at most %(max)d characters.") % {"max": each.max_length}
    if any(unicodedata.category(character) in INVISIBLE for character in value):
        return _("Remove the invisible characters: what is approved must be what is seen.")
    if each.pattern is not None and not re.fullmatch(each.pattern, value):
        return _("Use letters, digits and hyphens only.")
    return None


_KINDS: Mapping[str, Callable[[Field, Any], Text | None]] = {
    "choice": _choice_problem,
    "integer": _integer_problem,
    "flag": _flag_problem,
    "switch": _switch_problem,
    "consent": _consent_problem,
    "text": _text_problem,
}
