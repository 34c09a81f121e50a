"""Values that must not leave the process by accident."""

from __future__ import annotations

from typing import NoReturn


class NeverPickled:
    """Refuses to be pickled or copied, because a copy of it would hold a secret."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        message = f"{type(self).__name__} holds secrets and cannot be pickled or copied"
        raise TypeError(message)


class Secret(NeverPickled):
    """A string that shows itself only to `reveal()`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__
