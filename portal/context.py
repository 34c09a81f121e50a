"""What every page needs to know about the installation."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static


def site(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    return {"demo": settings.DEMO, "sandbox_url": settings.SANDBOX_URL, "icons": static("icons.svg")}
