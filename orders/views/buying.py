"""The kill switch: see it, stop, resume."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from orders import permissions
from orders.actions import stopping
from orders.catalogue import Product
from orders.errors import Denied, Invalid
from orders.models import Stop
from orders.views.loading import person, read_on


@require_safe
def buying(request: HttpRequest) -> HttpResponse:
    return _page(request)


@read_on("buying")
@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    product = request.POST.get("product", "")
    if product not in ("", *Product.values):
        return _page(request, status=422, problems={"product": [_("Choose one of the offered values.")]})
    try:
        stopping.stop(by=person(request), product=product, reason=request.POST.get("reason", ""))
    except Denied as denied:
        return _page(request, status=403, notice=denied.sentence)
    except Invalid as invalid:
        return _page(request, status=422, problems=invalid.sentences())
    return redirect("buying")


@read_on("buying")
@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Stop, pk=pk)
    try:
        stopping.resume(by=person(request), stop=found, reason=request.POST.get("reason", ""))
    except Denied as denied:
        return _page(request, status=403, notice=denied.sentence)
    except Invalid as invalid:
        return _page(request, status=422, problems=invalid.sentences(), resuming=found.pk)
    return redirect("buying")


def _page(
    request: HttpRequest,
    *,
    status: int = 200,
    notice: str = "",
    problems: dict[str, list[str]] | None = None,
    resuming: int | None = None,
) -> HttpResponse:
    user = person(request)
    standing = Stop.objects.filter(lifted_at=None).select_related("stopped_by").order_by("pk")
    context = {
        "standing": [(each, permissions.denial(permissions.check_can_resume, user, each)) for each in standing],
        "past": Stop.objects.exclude(lifted_at=None).select_related("stopped_by", "lifted_by").order_by("-pk")[:20],
        "products": Product.choices,
        "stop_denied": permissions.denial(permissions.check_can_stop, user),
        "notice": notice,
        "problems": problems or {},
        "resuming": resuming,
        "typed": request.POST,
    }
    return render(request, "orders/buying.html", context, status=status)
