"""A marker outside the database that tells when the database is older than its own history.

After every claim, and at every sweep, the marker names the newest event. A restored backup does not have it, or has
another event under its number: then buying stays off until an operator has compared the portal with the cloud.
"""

import contextlib
import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from orders.models import Event, Stop

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds to wait for another writer."""


@dataclass(frozen=True, slots=True)
class Mark:
    event: int
    at: datetime


def path() -> Path:
    return Path(settings.EPOCH_FILE)


def read() -> Mark | None:
    """Raises ValueError where the file is there but cannot be understood, OSError where it cannot be read."""
    try:
        text = path().read_text()
    except FileNotFoundError:
        return None
    try:
        found = json.loads(text)
        return Mark(int(found["event"]), datetime.fromisoformat(found["at"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the epoch marker {path()} cannot be read") from error


def write(event: Event) -> None:
    """Name this event, unless a newer one is named already. Raises OSError."""
    with _alone(), contextlib.suppress(ValueError):  # a damaged marker is replaced only by `replace`
        mark = read()
        if mark is None or mark.event < event.pk:
            _put(event)


def replace(event: Event) -> None:
    """Name this event, whatever was named before: an operator has compared. Raises OSError."""
    with _alone():
        _put(event)


def _put(event: Event) -> None:
    """Durable, and never half a file."""
    target = path()
    draft = target.with_name(f"{target.name}.{os.getpid()}.{threading.get_ident()}")
    with draft.open("w") as file:
        json.dump({"event": event.pk, "at": event.at.isoformat()}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One writer at a time, on every host that shares the folder: the marker must never go back."""
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("a") as lock:
        _lock(lock.fileno())  # let go with the file
        yield


def _lock(file: int) -> None:
    """Raises TimeoutError, which is an OSError: a writer that hangs must not hold up a purchase."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError("another process holds the epoch marker's lock") from None
            time.sleep(0.02)
        else:
            return


def trouble() -> Stop.Cause | None:
    """Why nothing may be bought: the database lacks the event that the marker names, or nobody can tell.

    A marker that is damaged proves nothing good, and only an operator can settle that. One that cannot be read may be
    readable again in a minute.
    """
    try:
        mark = read()
    except ValueError:
        log.exception("the epoch marker is damaged: buying stops until somebody has looked")
        return Stop.Cause.RESTORED
    except OSError:
        log.exception("the epoch marker cannot be read: nothing is bought meanwhile")
        return Stop.Cause.MARKER
    if mark is None or Event.objects.filter(pk=mark.event, at=mark.at).exists():
        return None
    return Stop.Cause.RESTORED


def is_behind() -> bool:
    """Nothing may be bought, and nothing be taken for ours, in what may be an old copy of the database."""
    return trouble() is not None
