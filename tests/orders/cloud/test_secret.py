from __future__ import annotations

import copy
import json
import pickle

import pytest

from orders.cloud.secret import Secret


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("canary")
    assert secret.reveal() == "canary"
    assert "canary" not in f"{secret} {secret!r} {[secret]} {secret!s}"


@pytest.mark.parametrize("give_away", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_a_secret_cannot_be_carried_away(give_away: object) -> None:
    with pytest.raises(TypeError) as caught:
        give_away(Secret("canary"))  # type: ignore[operator]
    assert "canary" not in str(caught.value)


def test_an_empty_secret_is_none() -> None:
    assert not Secret("")
    assert Secret("a")
