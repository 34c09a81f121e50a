"""What every page says about buying: whether it is stopped. And how a page that is open learns that it changed."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from orders.models import Stop

GetResponse = Callable[[HttpRequest], HttpResponse]


def buying(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)  # an error page may come before anybody was signed in
    if user is None or not user.is_authenticated:
        return {}
    return {"stops": list(Stop.objects.filter(lifted_at=None).order_by("pk"))}


def news_of_stops(get_response: GetResponse) -> GetResponse:
    """A page that refreshes itself says in `X-Stops` which stops its banner shows. Where others stand by now, the
    banner goes along with the part; and alone where the part has not changed."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if getattr(request, "htmx", False) and response.status_code in (200, 204):
            stops = buying(request).get("stops")
            if stops is not None and request.headers.get("X-Stops", "") != " ".join(str(stop.pk) for stop in stops):
                return _with_banner(request, response)
        return response

    return middleware


def _with_banner(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    banner = render_to_string("_stops_news.html", request=request).encode()
    if response.status_code == 204:
        return HttpResponse(banner, headers={"HX-Reswap": "none"})
    response.content += banner
    return response
