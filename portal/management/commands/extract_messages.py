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

# What `makemessages` tells xgettext, in Babel's words: which arguments are message, plural and context ("c").
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}


class Message(NamedTuple):
    context: str | None
    text: str
    plural: str | None


class Command(BaseCommand):
    help = "Extract the marked texts into the translations (.po), keeping what is translated."

    def handle(self, **options: Any) -> None:  # noqa: ARG002
        found = extracted()
        for path in catalogues():
            catalogue = merged(polib.pofile(str(path), wrapwidth=0), found)
            text = str(catalogue) + "\n"
            if path.read_text() != text:
                path.write_text(text)
            missing = len(catalogue.untranslated_entries())
            self.stdout.write(f"{path.relative_to(ROOT)}: {len(catalogue)} texts, {missing} not translated")


def catalogues() -> list[Path]:
    return sorted((ROOT / "locale").glob("*/LC_MESSAGES/*.po"))


def extracted() -> dict[Message, list[str]]:
    """Every marked text, in order, with the files that it is in."""
    found: dict[Message, set[str]] = defaultdict(set)
    for path in _sources():
        for message in _messages(path):
            found[message].add(str(path.relative_to(ROOT)))
    plurals = {(each.context, each.text) for each in found if each.plural}
    merged: dict[Message, set[str]] = defaultdict(set)
    for message, places in found.items():
        # gettext knows no singular beside a plural of the same text: they are one entry.
        alike = [each for each in found if each[:2] == message[:2] and each.plural]
        merged[alike[0] if message[:2] in plurals else message] |= places
    in_order = sorted(merged, key=lambda each: (min(merged[each]), each.text, each.context or ""))
    return {message: sorted(merged[message]) for message in in_order}


def merged(old: polib.POFile, found: dict[Message, list[str]]) -> polib.POFile:
    """The catalogue of exactly what was found. A changed text is a new one and waits for its translation."""
    new = polib.POFile(wrapwidth=0)
    new.header, new.metadata = old.header, old.metadata
    forms = range(_forms(old))
    for message, places in found.items():
        known = old.find(message.text, msgctxt=message.context or False)
        is_plural = message.plural is not None
        entry = polib.POEntry(
            msgctxt=message.context,
            msgid=message.text,
            occurrences=[(place, "") for place in places],
            tcomment=known.tcomment if known else "",
            flags=sorted({"python-format"} if "%(" in message.text or "%d" in message.text else set()),
        )
        if is_plural:
            entry.msgid_plural = message.plural
            entry.msgstr_plural = {form: (known.msgstr_plural.get(form, "") if known else "") for form in forms}
        elif known:
            entry.msgstr = known.msgstr
        if known and known.fuzzy:
            entry.flags.append("fuzzy")
        new.append(entry)
    return new


def _forms(catalogue: polib.POFile) -> int:
    """`nplurals` of the catalogue's own rule."""
    rule = catalogue.metadata.get("Plural-Forms", "nplurals=2;")
    return int(rule.partition("nplurals=")[2].partition(";")[0])


def _sources() -> Iterator[Path]:
    yield from sorted((ROOT / "templates").rglob("*.html"))
    for package in ("portal", "orders"):
        yield from (path for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts)


def _messages(path: Path) -> Iterator[Message]:
    source = path.read_text()
    if path.suffix == ".html":
        # What is left of the markup is no Python; without indentation the tokenizer takes it all the same.
        source = "\n".join(line.lstrip() for line in templatize(source, origin=str(path)).splitlines())
    for _line, function, texts, _comments in _calls(source):
        singular, plural = (texts, None) if isinstance(texts, str) else (texts[0], texts[1])
