"""The portal's own Celery application, with a beat that is quick enough for a test."""

from dataclasses import replace
from datetime import timedelta

import django

from portal.celery import app

django.setup()

from orders import reconciling, states  # noqa: E402
from orders.actions import submitting  # noqa: E402
from orders.models import order as order_model  # noqa: E402
from orders.states import Status  # noqa: E402
from orders.tasks import look_up  # noqa: E402

app.conf.beat_schedule["sweep"] = {"task": "orders.sweep", "schedule": 1.0, "options": {"expires": 5}}
app.conf.broker_connection_retry = True
look_up.soft_time_limit, look_up.time_limit = 60, 90  # the short ones are for submissions
reconciling.PER_SECOND = float("inf")
order_model.ANNOUNCED_AGAIN = timedelta(seconds=3)
submitting.FIRST_LOOK = timedelta(seconds=1)
submitting.FIRST_PAUSE = submitting.LONGEST_PAUSE = timedelta(milliseconds=200)
states.STAGES[Status.SUBMITTING] = replace(  # type: ignore[index]
    states.STAGES[Status.SUBMITTING], lasts=timedelta(seconds=5)
)
