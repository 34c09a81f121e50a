"""The portal's own Celery application, with a beat that is quick enough for a test."""

from dataclasses import replace
from datetime import timedelta

import django

from portal.celery import app

django.setup()

from orders import states  # noqa: E402
from orders.actions import submitting  # noqa: E402
from orders.states import Status  # noqa: E402

app.conf.beat_schedule["sweep"] = {"task": "orders.sweep", "schedule": 1.0, "options": {"expires": 5}}
app.conf.broker_connection_retry = True
submitting.FIRST_LOOK = timedelta(seconds=1)
submitting.FIRST_PAUSE = submitting.LONGEST_PAUSE = timedelta(milliseconds=200)
states.STAGES[Status.SUBMITTING] = replace(  # type: ignore[index]
    states.STAGES[Status.SUBMITTING], lasts=timedelta(seconds=5)
)
