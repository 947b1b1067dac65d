"""`make demo` as its user sees it: how long it takes, and the most memory that all its processes hold together."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

import services
from bench.report import Result

SAMPLE_SECONDS = 0.5


def demo(log: Path) -> list[Result]:
    """Run it and look at its processes twice a second. Raises RuntimeError with its last words if it fails."""
    log.unlink(missing_ok=True)
    began, peak = time.monotonic(), 0
    with services.running(["make", "-C", str(services.ROOT), "demo"], log) as process:
        family = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, tree_bytes(family))
            time.sleep(SAMPLE_SECONDS)
        whole = time.monotonic() - began
    if process.returncode:
        raise RuntimeError(
            f"`make demo` ended with {process.returncode}:\n{log.read_text(errors='replace')[-2000:]}"
        )
    text = "`make demo`; bytes are the memory of its process tree"
    return [Result("demo", text, whole, peak, goal_seconds=300, goal_bytes=8 * 10**9)]


def tree_bytes(process: psutil.Process) -> int:
    """Memory of a process and all below it; what several share is counted once, where the system tells."""
    total = 0
    for member in [process, *_below(process)]:
        try:
            total += member.memory_full_info().pss
        except psutil.AccessDenied:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
