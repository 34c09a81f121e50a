"""What every page says about buying: whether it is stopped."""

from typing import Any

from django.http import HttpRequest

from orders.models import Stop


def buying(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)  # an error page may come before anybody was signed in
    if user is None or not user.is_authenticated:
        return {}
    return {"stops": list(Stop.objects.filter(lifted_at=None).order_by("pk"))}
