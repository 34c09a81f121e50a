"""Web, worker and beat refuse to start where a check finds an error, databases included."""

import logging
import sys

import django
from django.core.checks import ERROR, run_checks

log = logging.getLogger(__name__)


def refuse_unsafe_start() -> None:
    """Raises SystemExit with every error found, or with why they could not be looked for.

    Celery calls this from a signal, and a signal swallows every other exception: the worker would run unchecked.
    """
    try:
        django.setup()
        found = run_checks(databases=["default"])
    except Exception as error:
        log.exception("the start-up checks could not be made")
        sys.exit(f"Countersign refuses to start: the checks could not be made ({type(error).__name__}).")
    errors = [each for each in found if each.level >= ERROR and not each.is_silenced()]
    if errors:
        sys.exit("Countersign refuses to start:\n" + "\n".join(f"  {each.id}: {each.msg}" for each in errors))
