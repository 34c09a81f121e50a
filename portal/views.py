"""Signing in, and whether the portal is alive."""

import ipaddress
import logging

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST, require_safe

from portal.models import User

log = logging.getLogger(__name__)


def demo_people(request: HttpRequest) -> list[User]:
    """Whom one click signs in: nobody outside demo mode, nobody from another machine."""
    if not (settings.DEMO and _is_local(request)):
        return []
    return list(User.objects.filter(is_active=True).prefetch_related("groups").order_by("pk"))


def _is_local(request: HttpRequest) -> bool:
    if "HTTP_X_FORWARDED_FOR" in request.META:
        return False  # somebody else's request, passed on by a proxy of this machine
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
    """200 when this process serves and the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        log.exception("the database does not answer")
        return JsonResponse({"status": "the database does not answer"}, status=503)
    return JsonResponse({"status": "ok"})
