"""People and their roles."""

import pytest

from portal.models import APPROVERS, AUDITORS, User
from tests import making

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("groups", "fields", "approver", "auditor", "sees"),
    [
        ((), {}, False, False, False),
        ((APPROVERS,), {}, True, False, True),
        ((AUDITORS,), {}, False, True, True),
        ((APPROVERS, AUDITORS), {}, False, True, True),
        ((APPROVERS,), {"is_active": False}, False, False, False),
        ((), {"is_superuser": True}, False, False, True),
        ((APPROVERS,), {"is_superuser": True}, True, False, True),
        (("somebody else",), {}, False, False, False),
    ],
)
def test_a_role_is_a_group(
    groups: tuple[str, ...], fields: dict[str, bool], *, approver: bool, auditor: bool, sees: bool
) -> None:
    pat = User.objects.get(pk=making.person("pat", *groups, **fields).pk)
    assert (pat.is_approver, pat.is_auditor, pat.sees_everything) == (approver, auditor, sees)
    assert list(User.objects.approvers()) == ([pat] if approver else [])


def test_an_approver_is_counted_once() -> None:
    mei = making.person("mei", APPROVERS, "security", "friends")
    assert list(User.objects.approvers()) == [mei]


def test_a_person_is_shown_by_name_or_else_by_sign_in_name() -> None:
    assert str(User(username="lin")) == "lin"
    assert str(User(username="lin", first_name="Lin", last_name="Wei")) == "Lin Wei"
