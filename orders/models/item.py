"""A certificate or CA that the cloud created for an order."""

from django.db import models

from orders.models.order import Order


class Item(models.Model):
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="items")
    cloud_id = models.CharField(max_length=64, unique=True)
    """`cert_id` or `ca_id`."""
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.cloud_id
