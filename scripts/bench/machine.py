"""Where the figures come from: they say nothing without it."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

import services
from hexchange.circuit.editions import SEAL_FORMAT

PACKAGES = ("hexchange", "tenseal", "numpy", "scikit-learn", "web3")


def machine() -> dict[str, Any]:
    """Processor, cores that we may use, memory, kernel, and how busy it was at the start."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,
        "kernel": f"{platform.system()} {platform.release()}",
        "load": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Of everything that the figures depend on."""
    anvil = subprocess.run(
        [services.program("anvil"), "--version"], capture_output=True, text=True, check=True
    )
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "SEAL": SEAL_FORMAT,
        "anvil": anvil.stdout.split("\n")[0].removeprefix("anvil Version: "),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
