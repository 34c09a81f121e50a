"""Loaded before the settings: tests know no cloud, no broker and no data but their own."""

import atexit
import os
import shutil
import tempfile

VAR = tempfile.mkdtemp(prefix="countersign-tests-")
atexit.register(shutil.rmtree, VAR, ignore_errors=True)

for name in list(os.environ):
    if name.startswith(("CLOUD_", "SANDBOX_")) or name.endswith("_ENDPOINT"):
        del os.environ[name]
os.environ |= {
    "VAR_DIR": VAR,
    "HOME": VAR,
    "SECRET_KEY": "only-for-tests",
    "BROKER_URL": "memory://",
    "DEMO": "0",
    "LOG_LEVEL": "WARNING",
}
