from django.db import migrations

from orders import append_only


def install(apps, schema_editor):
    append_only.install(schema_editor.connection, ("orders_lookup", "orders_resolution"))


def remove(apps, schema_editor):
    append_only.remove(schema_editor.connection, ("orders_lookup", "orders_resolution"))


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_reconciling")]

    operations = [migrations.RunPython(install, remove)]
