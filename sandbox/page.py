"""The page at /_sandbox/: what was bought, newest first, and buttons to break the next purchase."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

from sandbox.account import describe
from sandbox.cloud import Cloud
from sandbox.fault_kinds import KINDS
from sandbox.faults import Fault
from sandbox.moments import rfc3339
from sandbox.purchase import Purchase

FRAME = Template((Path(__file__).parent / "page.html").read_text())
SHOWN = 100

BUTTON = Template(
    '<form method="post" action="/_sandbox/faults"><input type="hidden" name="kind" value="$kind">'
    "<button>$kind</button><span>$help</span></form>"
)
ROW = Template(
    "<article><h3><code>$order_id</code> <small>$service</small></h3>"
    "<p><time>$time</time> · $paid · by $user · $count item$plural</p>"
    "<details><summary>ids and body</summary><p><code>$items</code></p><pre>$body</pre>"
    "<p>request <code>$request_id</code><br>visible at $visible</p></details></article>"
)
ARMED = Template("<li><strong>$kind</strong> × $count $rest</li>")
NEEDS_MORE = {"error"}  # a status and a code: nothing for a button


def render(cloud: Cloud, armed: Iterable[Fault], *, tls: bool) -> str:
    hidden = NEEDS_MORE if tls else NEEDS_MORE | {"executed-then-corrupt-tls"}
    buttons = [BUTTON.substitute(kind=name, help=escape(k.help)) for name, k in KINDS.items() if name not in hidden]
    newest = cloud.ledger.newest(SHOWN)
    return FRAME.substitute(
        total=cloud.ledger.count(),
        armed="".join(map(_armed, armed)) or "<li>nothing: the cloud behaves</li>",
        buttons="".join(buttons),
        purchases="".join(map(_purchase, newest)) or "<p>Nothing was bought yet.</p>",
        account=escape("\n".join(describe(cloud.account))),
    )


def _armed(fault: Fault) -> str:
    rest = {name: value for name, value in fault.describe().items() if name not in ("number", "kind", "count")}
    text = ", ".join(f"{name} {value}" for name, value in rest.items())
    return ARMED.substitute(kind=escape(fault.kind), count=fault.count, rest=escape(text))


def _purchase(purchase: Purchase) -> str:
    count = len(purchase.item_ids)
    return ROW.substitute(
        order_id=purchase.order_id,
        service=purchase.service,
        time=rfc3339(purchase.executed_ms),
        paid="cancelled" if purchase.cancelled_ms else "paid" if purchase.paid_ms else "unpaid",
        user=escape(purchase.user_name),
        count=count,
        plural="" if count == 1 else "s",
        items=escape(", ".join(purchase.item_ids[:20]) + (" …" if count > 20 else "")),
        body=escape(purchase.body[:20_000]),
        request_id=purchase.request_id,
        visible=rfc3339(purchase.visible_ms),
    )
