"""A marker outside the database that tells when the database is older than what was bought.

After every claim the marker names that claim's event. A restored backup does not have it, or has another event under
its number: then buying stays off until an operator has compared the portal with the cloud.
"""

import json
import os
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from orders.models import Event


@dataclass(frozen=True, slots=True)
class Mark:
    event: int
    at: datetime


def path() -> Path:
    return Path(settings.EPOCH_FILE)


def read() -> Mark | None:
    """Raises ValueError where the file is there but cannot be understood."""
    try:
        found = json.loads(path().read_text())
    except FileNotFoundError:
        return None
    return Mark(int(found["event"]), datetime.fromisoformat(found["at"]))


def write(event: Event) -> None:
    """Durable, and never half a file."""
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{os.getpid()}.{threading.get_ident()}")
    with draft.open("w") as file:
        json.dump({"event": event.pk, "at": event.at.isoformat()}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)


def is_behind() -> bool:
    """The database lacks the event that the marker names."""
    mark = read()
    return mark is not None and not Event.objects.filter(pk=mark.event, at=mark.at).exists()
