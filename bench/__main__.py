"""`make bench`: the figures in docs/performance.md, measured in one run on this machine.

Starts the stack as `make run` does, in a folder of its own, and drives it as people do: through HTTP and a real
browser. Page costs are taken in process, on a database with 1,000 orders.
"""

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import pages, stack


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        results = [*stack.measure(Path(folder) / "stack"), *pages.measure_apart(Path(folder) / "pages")]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"\nCommit {commit.stdout.strip()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| what | measured | floor asked for |\n|---|---|---|")
    for name, value, limit in results:
        print(f"| {name} | {value} | {limit} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
