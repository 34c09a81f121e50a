"""The tag filter of `resource_instances/action`: keys joined by AND or OR, values of one key by OR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.bodies import Field, JsonObject, Wrong, check

TAG = (Field("key", str, low=1, high=128), Field("values", list, high=20))
MATCH = (Field("key", str, choices=("resource_name",)), Field("value", str, high=255))

LISTS = ("tags", "tags_any", "not_tags", "not_tags_any")

Wanted = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Filter:
    tags: Wanted
    tags_any: Wanted
    not_tags: Wanted
    not_tags_any: Wanted
    without_any_tag: bool
    name: str

    @classmethod
    def read(cls, body: JsonObject, wrong: Wrong) -> Filter:
        """`without_any_tag` makes the cloud ignore the four lists (SDK, ListCertificatesByTagRequestBody)."""
        untagged = body.get("without_any_tag", False)
        lists = {name: _wanted(body.get(name, []), wrong) for name in LISTS}
        if untagged:
            lists = {name: {} for name in LISTS}
        return cls(**lists, without_any_tag=untagged, name=_name(body.get("matches", []), wrong))

    def matches(self, tags: Mapping[str, str], name: str) -> bool:
        return all(
            [
                not (self.without_any_tag and tags),
                all(_has(tags, item) for item in self.tags.items()),
                not self.tags_any or any(_has(tags, item) for item in self.tags_any.items()),
                not self.not_tags or not all(_has(tags, item) for item in self.not_tags.items()),
                not any(_has(tags, item) for item in self.not_tags_any.items()),
                self.name in name,
            ]
        )


def _has(tags: Mapping[str, str], wanted: tuple[str, list[str]]) -> bool:
    """An empty list of values asks for the key alone."""
    key, values = wanted
    return key in tags and (not values or tags[key] in values)


def _wanted(tags: list[object], wrong: Wrong) -> Wanted:
    found: Wanted = {}
    for tag in tags:
        if not isinstance(tag, dict):
            wrong(None, "a tag must be an object")
        check(TAG, tag, wrong, where="tags.")
        if tag["key"] in found or not all(isinstance(value, str) for value in tag["values"]):
            wrong(None, "tag keys must be unique and their values strings")
        found[tag["key"]] = tag["values"]
    return found


def _name(matches: list[object], wrong: Wrong) -> str:
    """★ A part of the name is enough; the documents say only 'the value to match'."""
    names = {}
    for match in matches:
        if not isinstance(match, dict):
            wrong(None, "a match must be an object")
        check(MATCH, match, wrong, where="matches.")
        names[match["key"]] = match["value"]
    return str(names.get("resource_name", ""))
