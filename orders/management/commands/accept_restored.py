"""Buy again after a restored backup, once the portal was compared with the cloud. See docs/operations.md."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders import reconciling
from orders.actions import restoring, stopping
from orders.cloud.errors import CloudError
from portal.models import User


class Command(BaseCommand):
    requires_system_checks = ()  # it mends what they find: a marker that cannot be read
    help = "List what the cloud has and the restored database does not know; with --confirm, allow buying again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--by", required=True, help="sign-in name of the operator")
        parser.add_argument("--reason", required=True, help="what was restored, and why; stays in the history")
        parser.add_argument("--confirm", action="store_true", help="the list was looked at; buy again")

    def handle(self, *, by: str, reason: str, confirm: bool, **options: Any) -> None:  # noqa: ARG002
        operator = User.objects.filter(username=by, is_active=True).first()
        if operator is None:
            raise CommandError(f"There is no active person called {by}.")
        if not restoring.is_needed():
            self.stdout.write("The database is not older than its marker: nothing to accept.")
            return
        newest = restoring.end_of_copy()
        if newest is None:
            raise CommandError("The database has no history at all: restore one that has.")
        try:
            unowned = reconciling.unowned_since(newest.at - timedelta(hours=1))
        except CloudError as error:
            raise CommandError(f"The cloud could not be asked, so nothing changes: {error.message}") from error
        self.stdout.write(f"The restored database ends at {newest.at.isoformat()} (event {newest.pk}).")
        for each in unowned:
            self.stdout.write(f"  in the cloud, not known here: {each.order_id} {dict(each.evidence)}")
        self.stdout.write(f"{len(unowned)} orders in the cloud are not known here.")
        if not confirm:
            self.stdout.write("Nothing was changed. Run again with --confirm when you have looked at them.")
            return
        restoring.accept(by=operator, reason=reason, unowned=unowned)
        left = [str(stop) for stop in stopping.standing()]
        buying = f"still stopped: {'; '.join(left)}" if left else "on again"
        self.stdout.write(f"Approved orders went back to their approvers; buying is {buying}.")
