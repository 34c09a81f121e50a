"""The three doors of the process: health, control, and the cloud itself."""

from __future__ import annotations

import sys
import traceback

from sandbox.answering import Answer, Answering
from sandbox.control import PREFIX, Control
from sandbox.messages import ApiError, Reply, Request, as_json

CONTROL_HOME = PREFIX.rstrip("/")


class App:
    def __init__(self, answering: Answering, control: Control) -> None:
        self._answering = answering
        self._control = control

    def respond(self, request: Request) -> Answer:
        try:
            return self._respond(request)
        except ApiError as refusal:
            return Answer(refusal.reply(request.request_id))
        except Exception:  # noqa: BLE001 - a mistake of ours must not look like a lost connection
            traceback.print_exc(file=sys.stderr)
            return Answer(ApiError(500, "APIGW.0601", "Internal server error").reply(request.request_id))

    def _respond(self, request: Request) -> Answer:
        if request.path == "/healthz":
            return Answer(as_json({"status": "ok"}))
        if request.path in ("/", CONTROL_HOME):
            return Answer(Reply(303, headers=(("Location", PREFIX),)))
        if request.path.startswith(PREFIX):
            return Answer(self._control.respond(request))
        return self._answering.answer(request)
