import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
app = Celery("countersign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
@beat_init.connect
def start_safely(**kwargs: Any) -> None:  # noqa: ARG001
    from portal.safety import refuse_unsafe_start

    refuse_unsafe_start()


@worker_ready.connect
def sweep_at_once(**kwargs: Any) -> None:  # noqa: ARG001
    """What was announced while no worker was there may be lost: do not wait for the next beat."""
    app.send_task("orders.sweep", expires=300)
