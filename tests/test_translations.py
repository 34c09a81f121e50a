"""The portal in Chinese: every marked text is translated, and no page falls back to English."""

from __future__ import annotations

import re

from portal.config import ROOT
from portal.management.commands.extract_messages import catalogues

CATALOGUES = catalogues()
ZH = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|%[a-z]|\{\w*\}|<[^>]+>")
