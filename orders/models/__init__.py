from orders.models.approval import Approval, Decision
from orders.models.attempt import Attempt, Outcome
from orders.models.event import Event
from orders.models.item import Item
from orders.models.lookup import Finding, Lookup, Resolution
from orders.models.order import Order, Revision
from orders.models.stop import Stop

__all__ = [
    "Approval",
    "Attempt",
    "Decision",
    "Event",
    "Finding",
    "Item",
    "Lookup",
    "Order",
    "Outcome",
    "Resolution",
    "Revision",
    "Stop",
]
