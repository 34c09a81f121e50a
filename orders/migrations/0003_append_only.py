from django.db import migrations

from orders import append_only


def install(apps, schema_editor):
    append_only.install(schema_editor.connection, ("orders_event", "orders_revision", "orders_approval"))


def remove(apps, schema_editor):
    append_only.remove(schema_editor.connection, ("orders_event", "orders_revision", "orders_approval"))


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_initial")]

    operations = [migrations.RunPython(install, remove)]
