"""Compile every `.po` file below `locale/` without gettext's binaries."""

from typing import Any

import polib
from django.core.management.base import BaseCommand

from portal.config import ROOT


class Command(BaseCommand):
    help = "Compile the translations (.po to .mo)."

    def handle(self, **options: Any) -> None:  # noqa: ARG002
        for source in sorted((ROOT / "locale").glob("*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
                polib.pofile(str(source)).save_as_mofile(str(target))
