"""Tables that are only ever added to, made so by the database itself.

SQLite: triggers refuse UPDATE and DELETE, and an INSERT that would replace a row (`INSERT OR REPLACE` deletes without
firing delete triggers). PostgreSQL: row triggers and one against TRUNCATE, enabled ALWAYS so that a replication role
does not silence them. Rebuilding a table on SQLite drops its triggers: a migration that does so must install again.
"""

from collections.abc import Iterable

from django.db.backends.base.base import BaseDatabaseWrapper

TABLES = ("orders_event", "orders_revision", "orders_approval", "orders_lookup", "orders_resolution")

_SQLITE = {
    "no_update": "BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    "no_delete": "BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    "no_replace": "BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
}
_POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION orders_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$
"""
_POSTGRES = {
    "no_change": "BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION orders_append_only()",
    "no_truncate": "BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION orders_append_only()",
}


def install(connection: BaseDatabaseWrapper, tables: Iterable[str] = TABLES) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES_FUNCTION)
        for table in tables:
            for name, definition in _triggers(connection).items():
                cursor.execute(f"CREATE TRIGGER {table}_{name} {definition.format(table=table)}")
                if connection.vendor == "postgresql":
                    cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{name}")


def remove(connection: BaseDatabaseWrapper, tables: Iterable[str] = TABLES) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            for name in _triggers(connection):
                on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{name}{on_table}")


def _triggers(connection: BaseDatabaseWrapper) -> dict[str, str]:
    return _POSTGRES if connection.vendor == "postgresql" else _SQLITE
