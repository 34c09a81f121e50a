"""Web, worker and beat refuse to start where a check finds an error, databases included."""

import sys

import django
from django.core.checks import ERROR, run_checks


def refuse_unsafe_start() -> None:
    """Raises SystemExit with every error found."""
    django.setup()
    errors = [found for found in run_checks(databases=["default"]) if found.level >= ERROR and not found.is_silenced()]
    if errors:
        sys.exit("Countersign refuses to start:\n" + "\n".join(f"  {found.id}: {found.msg}" for found in errors))
