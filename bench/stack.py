"""The running stack: how fast it starts, what it costs, how long from the approval click to PLACED on screen."""

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.running_stack import CHROMIUM, Stack
from tests.visiting import Visitor

ROUNDS = 20
Row = tuple[str, str, str]


def measure(var: Path) -> Iterator[Row]:
    first = Stack(var)
    yield "first start to first page, dependencies installed", f"{first.ready_after:.1f} s", "60 s with installation"
    first.stop()
    stack = Stack(var)
    yield "second start to first page", f"{stack.ready_after:.1f} s", "8 s"
    try:
        yield from _clicks(stack)
        yield from _costs(stack)
    finally:
        stack.stop()


def _costs(stack: Stack) -> Iterator[Row]:
    pids = stack.processes()
    resident = sum(_resident_kib(pid) for pid in pids) / 1024
    yield "whole stack resident (shared pages counted once: PSS)", f"{resident:.0f} MiB", "700 MB"
    before, started = sum(map(_cpu_seconds, pids)), time.monotonic()
    time.sleep(30)
    busy = (sum(map(_cpu_seconds, pids)) - before) / (time.monotonic() - started)
    yield "idle stack, share of one core", f"{busy:.1%}", "3 %"


def _resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _clicks(stack: Stack) -> Iterator[Row]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        engineer, approver = Visitor(browser, stack, "lin"), Visitor(browser, stack, "mei")
        times = [_approve_once(engineer, approver, number) for number in range(ROUNDS)]
        browser.close()
    spread = f"{statistics.median(times):.2f} s [{min(times):.2f} to {max(times):.2f}], {ROUNDS} rounds"
    yield "approval click to PLACED on screen, median", spread, "1 s"


def _approve_once(engineer: Visitor, approver: Visitor, number: int) -> float:
    approver.visit(engineer.request_certificate("Bench", domains=2 + number))
    started = time.monotonic()
    approver.page.locator('button[formaction$="/approve/"]').click()
    approver.page.locator("main").get_by_text("Placed", exact=True).first.wait_for()
    return time.monotonic() - started
