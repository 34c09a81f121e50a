import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from orders.append_only import TABLES
from orders.models import Lookup, Resolution
from portal.models import User
from tests import making

STATEMENTS = ["UPDATE {table} SET id = id", "DELETE FROM {table}"]
STATEMENTS += {
    "sqlite": ["INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1"],
    "postgresql": ["TRUNCATE {table} CASCADE"],
}[connection.vendor]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.django_db(transaction=True)
def test_the_database_itself_refuses_to_change_a_row(lin: User, mei: User, table: str, statement: str) -> None:
    order = making.approve(making.order(lin), mei)
    Lookup.objects.create(order=order, number=1, at=timezone.now(), result="nothing")
    Resolution.objects.create(order=order, by=mei, at=timezone.now(), answer="absent", reason="Not there")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table=table))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite has INSERT OR REPLACE")
@pytest.mark.django_db(transaction=True)
def test_a_row_is_not_replaced_by_another_of_its_unique_keys(lin: User, mei: User) -> None:
    making.approve(making.order(lin), mei)
    kept = "at, by_id, order_id, revision_id"
    forged = (
        f"INSERT OR REPLACE INTO orders_approval (decision, digest, comment, {kept}) SELECT 'reject', digest, '?', "
    )
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{forged} {kept} FROM orders_approval")
