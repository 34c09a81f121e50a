"""Signing in, and whether the portal is alive."""

import ipaddress

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST, require_safe

from portal.models import User


def demo_people(request: HttpRequest) -> list[User]:
    """Whom one click signs in: nobody outside demo mode, nobody from another machine."""
    if not (settings.DEMO and _is_local(request)):
        return []
    return list(User.objects.filter(is_active=True).prefetch_related("groups").order_by("pk"))


def _is_local(request: HttpRequest) -> bool:
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    template_name = "portal/sign_in.html"
    redirect_authenticated_user = False

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return super().get_context_data(**kwargs) | {"people": demo_people(self.request)}


@login_not_required
@require_POST
def demo_sign_in(request: HttpRequest, username: str) -> HttpResponse:
    if not (settings.DEMO and _is_local(request)):
        raise Http404
    user = get_object_or_404(User, username=username, is_active=True)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect(settings.LOGIN_REDIRECT_URL)


@login_not_required
@require_safe
def health(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """200 when this process serves and the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})
