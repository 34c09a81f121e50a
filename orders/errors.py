"""Why a verb did nothing.

OrderError            every message is a sentence for the person who acted
├── Denied            this person may not do this now
├── Invalid           the content breaks a rule; `.problems` maps fields to sentences
├── Changed           somebody was faster; look at the new state and decide again
└── ClaimRefused      the last check before the first byte failed; nothing was sent
"""

from collections.abc import Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class OrderError(Exception):
    @property
    def sentence(self) -> str:
        return str(self.args[0]) if self.args else ""


class Denied(OrderError):
    def __init__(self, sentence: str | Promise) -> None:
        super().__init__(sentence)


class Invalid(OrderError):
    def __init__(self, problems: Mapping[str, Sequence[str | Promise]]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, texts in problems.items() for text in texts))
        self.problems = problems

    def sentences(self) -> dict[str, list[str]]:
        """The problems in the reader's language."""
        return {name: [str(text) for text in texts] for name, texts in self.problems.items()}


class Changed(OrderError):
    def __init__(self) -> None:
        super().__init__(_("The order changed while you were looking at it. Nothing was recorded."))


class ClaimRefused(OrderError):
    """`reason` is a machine word for the history: duplicate, stopped, waiting, approval, not_due."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
