"""Domain names: the portal's own field, checked before anybody pays for a certificate that cannot be issued."""

from collections import Counter
from collections.abc import Sequence
from functools import cache

import idna
from django.utils.translation import gettext_lazy as _
from publicsuffixlist import PublicSuffixList

from orders.catalogue.certificates import MULTI, SINGLE, WILDCARD
from orders.catalogue.fields import Text, Values


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=True)


def normal_name(name: str) -> str:
    """A domain name as a certificate writes it: lower case, A-labels. Raises ValueError with a sentence."""
    wildcard, bare = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    try:
        encoded = idna.encode(bare.removesuffix("."), uts46=True, std3_rules=True).decode().lower()
    except idna.IDNAError as error:
        raise ValueError(_("“%(name)s” is not a domain name.") % {"name": name}) from error
    if len(encoded) > 253 or "." not in encoded:
        raise ValueError(_("“%(name)s” is not a full domain name.") % {"name": name})
    if _suffixes().privatesuffix(encoded) is None:
        raise ValueError(
            _("“%(name)s” is not below a public suffix, so no public authority can certify it.") % {"name": name}
        )
    return wildcard + encoded


def readable_name(name: str) -> str:
    """A stored domain name in the letters it was meant in, where it has others than ASCII."""
    wildcard, bare = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    try:
        return wildcard + (idna.decode(bare) if "xn--" in bare else bare)
    except idna.IDNAError:
        return name


def domain_name_problems(names: Sequence[str], values: Values) -> list[Text]:
    """What is wrong with already normalised `names` for the chosen certificate."""
    found: list[Text] = []
    if not names:
        return [_("Name at least one domain that the certificate is for.")]
    doubled = sorted(name for name, count in Counter(names).items() if count > 1)
    if doubled:
        found.append(_("Named twice: %(names)s.") % {"names": ", ".join(doubled)})
    limit = values.get("domain_numbers")
    if isinstance(limit, int) and 0 < limit < len(names):
        found.append(
            _("Too many names: %(count)d. The certificate covers %(limit)d.") % {"count": len(names), "limit": limit}
        )
    wild = [name for name in names if name.startswith("*.")]
    if values.get("domain_type") == WILDCARD and len(wild) != len(names):
        found.append(_("A wildcard certificate is for a name that starts with “*.”."))
    elif values.get("domain_type") in (SINGLE, MULTI) and wild:
        found.append(_("Only a wildcard certificate can be for a name that starts with “*.”."))
    return found
