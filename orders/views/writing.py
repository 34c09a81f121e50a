"""The forms: a new order, a new one from an old one, and the next revision."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from orders import catalogue, permissions
from orders.actions import ordering
from orders.catalogue import Product
from orders.errors import Changed, Denied, Invalid
from orders.forms import OrderForm, initial_from, initial_from_other, initial_from_typed
from orders.models import Order
from orders.states import Status
from orders.views.loading import order_number, person, visible_order, wants_part
from orders.views.page import asked_for, order_page


@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    return render(
        request, "orders/choose.html", {"denied": permissions.denial(permissions.check_can_request, person(request))}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, product: str) -> HttpResponse:
    if product not in Product.values:
        raise Http404
    origin = _origin(request, product)
    offer = catalogue.current_offer(product)
    user = person(request)
    initial = initial_from_other(offer, origin, user) if origin else initial_from(offer, None, user)
    form, typed = _form(request, offer, initial)
    if typed and form.is_valid():
        try:
            order = ordering.create(
                offer=offer,
                content=form.content,
                by=person(request),
                token=form.token_value,
                origin=origin,
                request="draft" not in request.POST,
            )
            return redirect(order)
        except (Denied, Invalid) as error:
            form.add_error(None, error.sentence)
    context = {
        "form": form,
        "product": Product(product),
        "origin": origin,
        "denied": permissions.denial(permissions.check_can_request, person(request)),
    }
    return _form_page(request, context, typed=typed)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, number: int) -> HttpResponse:
    order = visible_order(request, number)
    denied = permissions.denial(permissions.check_can_edit, person(request), order)
    if denied is not None:
        return order_page(request, order, status=403, notice=denied)
    offer = catalogue.current_offer(order.product)
    form, typed = _form(request, offer, initial_from(offer, order, person(request)))
    if typed and form.is_valid():
        try:
            ordering.edit(
                order=order,
                content=form.content,
                by=person(request),
                seen_revision=form.cleaned_data.get("revision") or 0,
                request="draft" not in request.POST,
            )
            return redirect(order)
        except Changed as changed:
            return order_page(request, visible_order(request, number), status=409, notice=changed.sentence)
        except (Denied, Invalid) as error:
            if visible_order(request, number).status != order.status:
                return order_page(request, visible_order(request, number), status=409, notice=Changed().sentence)
            form.add_error(None, error.sentence)
    context = {
        "form": form,
        "product": Product(order.product),
        "order": order,
        "can_stay_draft": order.status == Status.DRAFT,
        "asked": asked_for(order),
    }
    return _form_page(request, context, typed=typed)


def _form(request: HttpRequest, offer: catalogue.Offer, initial: dict[str, object]) -> tuple[OrderForm, bool]:
    """The form, and whether it was sent to be saved (and not just to bring its choices up to date)."""
    if request.method != "POST":
        return OrderForm(offer, initial=initial), False
    if "refresh" in request.POST:
        return OrderForm(offer, initial=initial | initial_from_typed(offer, request.POST)), False
    return OrderForm(offer, request.POST, initial=initial), True


def _form_page(request: HttpRequest, context: dict[str, object], *, typed: bool) -> HttpResponse:
    template = "orders/form.html#fields" if wants_part(request) else "orders/form.html"
    return render(request, template, context, status=422 if typed else 200)


def _origin(request: HttpRequest, product: str) -> Order | None:
    """`?from=1042`: the order to start from, where the person may see it."""
    pk = order_number(request.GET.get("from", ""))
    if pk is None:
        return None
    return Order.objects.visible_to(person(request)).select_related("revision").filter(pk=pk, product=product).first()
