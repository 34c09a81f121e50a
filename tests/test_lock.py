"""What is installed is what is locked, and what is locked is what is asked for."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from portal.config import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME, DEVELOPMENT = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
ASKED = [(RUNTIME, text) for text in PROJECT["project"]["dependencies"]] + [
    (DEVELOPMENT, text) for text in [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
]


def pins(lock: Path) -> list[Requirement]:
    lines = lock.read_text().splitlines()
    return [Requirement(line.removesuffix("\\").strip()) for line in lines if not line.startswith(" ")]


def versions(lock: Path) -> dict[str, Version]:
    return {canonicalize_name(pin.name): version(pin) for pin in pins(lock)}


def version(pin: Requirement) -> Version:
    (only,) = pin.specifier
    assert only.operator == "=="
    return Version(only.version)


@pytest.mark.parametrize(("lock", "text"), ASKED, ids=[f"{lock.stem}-{text}" for lock, text in ASKED])
def test_what_the_project_asks_for_is_locked_at_a_version_that_fits(lock: Path, text: str) -> None:
    asked = Requirement(text)
    assert asked.specifier.contains(versions(lock)[canonicalize_name(asked.name)], prereleases=True)


@pytest.mark.parametrize("lock", [RUNTIME, DEVELOPMENT], ids=lambda lock: lock.stem)
def test_every_pin_has_hashes_and_nothing_else_is_in_the_lock(lock: Path) -> None:
    lines = lock.read_text().splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if not line.startswith(" "):
            assert line.endswith(" \\")
            assert HASH.fullmatch(following)
            assert version(Requirement(line.removesuffix("\\")))
        else:
            assert HASH.fullmatch(line)
            assert line.endswith("\\") == following.startswith(" ")


@pytest.mark.parametrize("lock", [RUNTIME, DEVELOPMENT], ids=lambda lock: lock.stem)
def test_no_address_is_in_the_lock(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"https?:|://|index-url|find-links|trusted-host|(^|\s)-[ifer]\s| @ ", text)


@pytest.mark.parametrize("lock", [RUNTIME, DEVELOPMENT], ids=lambda lock: lock.stem)
def test_nothing_is_locked_twice(lock: Path) -> None:
    assert len(versions(lock)) == len(pins(lock))


def test_the_extras_that_an_installed_package_asks_for_are_pinned_with_it() -> None:
    """Where a pin lacks the extra, pip before 23.3 looks for the newest version instead, and fails on its hash."""
    pinned = {canonicalize_name(pin.name): pin.extras for pin in pins(DEVELOPMENT)}
    for each in metadata.distributions():
        extras = pinned.get(canonicalize_name(each.metadata["Name"])) or [""]
        for asked in (Requirement(text) for text in each.requires or []):
            if not asked.marker or any(asked.marker.evaluate({"extra": extra}) for extra in extras):
                assert asked.extras <= pinned[canonicalize_name(asked.name)], (each.metadata["Name"], str(asked))


def test_development_runs_what_production_runs() -> None:
    assert versions(RUNTIME).items() <= versions(DEVELOPMENT).items()


def test_what_is_installed_is_what_is_locked() -> None:
    meant = {pin.name: str(version(pin)) for pin in pins(DEVELOPMENT) if not pin.marker or pin.marker.evaluate()}
    assert {name: metadata.version(name) for name in meant} == meant


def test_nothing_that_was_not_locked_is_installed() -> None:
    installed = {canonicalize_name(each.metadata["Name"]) for each in metadata.distributions()}
    assert installed - versions(DEVELOPMENT).keys() <= {"pip", "setuptools", "wheel"}
