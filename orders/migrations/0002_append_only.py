from django.db import migrations

from orders import append_only

TABLES = ("orders_event", "orders_revision", "orders_approval", "orders_lookup", "orders_resolution")


def install(apps, schema_editor):
    append_only.install(schema_editor.connection, TABLES)


def remove(apps, schema_editor):
    append_only.remove(schema_editor.connection, TABLES)


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [migrations.RunPython(install, remove)]
