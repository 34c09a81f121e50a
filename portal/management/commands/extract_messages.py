"""Bring every `.po` file up to date with the marked texts, without gettext's binaries."""

from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import polib
from babel.messages.extract import extract
from django.core.management.base import BaseCommand
from django.utils.translation.template import templatize

from portal.config import ROOT

# What `makemessages` tells xgettext: which arguments are the text, its plural and its context ("c").
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}


class Key(NamedTuple):
    """What gettext finds a translation by. One text with and without a plural is one entry."""

    text: str
    context: str | None = None


class Message(NamedTuple):
    plural: str | None
    places: list[str]
    """The files that it is in. Without lines, which change all the time."""


class Command(BaseCommand):
    help = "Extract the marked texts into the translations (.po), keeping what is translated."

    def handle(self, **options: Any) -> None:  # noqa: ARG002
        found = extracted()
        for path in catalogues():
            catalogue = merged(polib.pofile(str(path)), found)
            text = f"{catalogue}"
            if path.read_text() != text:
                path.write_text(text)
            missing = len(catalogue.untranslated_entries())
            self.stdout.write(f"{path.relative_to(ROOT)}: {len(catalogue)} texts, {missing} not translated")


def catalogues() -> list[Path]:
    return sorted((ROOT / "locale").glob("*/LC_MESSAGES/django.po"))


def extracted() -> dict[Key, Message]:
    """Every marked text, sorted by itself: an entry moves only when its text changes."""
    plurals: dict[Key, str | None] = {}
    places: dict[Key, set[str]] = defaultdict(set)
    for path in _sources():
        for key, plural in _texts(path):
            plurals[key] = plural or plurals.get(key)
            places[key].add(path.relative_to(ROOT).as_posix())
    in_order = sorted(plurals, key=lambda key: (key.text.casefold(), key.text, key.context or ""))
    return {key: Message(plurals[key], sorted(places[key])) for key in in_order}


def merged(old: polib.POFile, found: dict[Key, Message]) -> polib.POFile:
    """Exactly what was found, with its old translations. A changed text is a new one: nothing is guessed."""
    new = polib.POFile(wrapwidth=0)
    new.header, new.metadata = old.header, old.metadata
    known = {Key(entry.msgid, entry.msgctxt): entry for entry in old if not entry.obsolete}
    for key, message in found.items():
        new.append(_entry(key, message, known.get(key), forms=_forms(old)))
    return new


def _entry(key: Key, message: Message, known: polib.POEntry | None, *, forms: int) -> polib.POEntry:
    entry = polib.POEntry(
        msgid=key.text,
        msgctxt=key.context,
        occurrences=[(place, "") for place in message.places],
        tcomment=known.tcomment if known else "",
        flags=["fuzzy"] if known and known.fuzzy else [],
    )
    if "%" in key.text + (message.plural or ""):
        entry.flags.append("python-format")
    if message.plural is None:
        entry.msgstr = known.msgstr if known else ""
    else:
        entry.msgid_plural = message.plural
        entry.msgstr_plural = {form: known.msgstr_plural.get(form, "") if known else "" for form in range(forms)}
    return entry


def _forms(catalogue: polib.POFile) -> int:
    rule = catalogue.metadata["Plural-Forms"]
    return int(rule.partition("nplurals=")[2].partition(";")[0])


def _sources() -> Iterator[Path]:
    yield from sorted((ROOT / "templates").rglob("*.html"))
    for package in ("portal", "orders"):
        yield from (path for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts)


def _texts(path: Path) -> Iterator[tuple[Key, str | None]]:
    source = path.read_text()
    if path.suffix == ".html":
        # Calls among crossed-out markup: Python enough to be read once nothing is indented.
        source = "\n".join(line.lstrip() for line in templatize(source, origin=str(path)).splitlines())
    for _line, texts, _comments, context in extract("python", BytesIO(source.encode()), keywords=KEYWORDS):
        text, plural = (texts, None) if isinstance(texts, str) else texts[:2]
        yield Key(text, context), plural
