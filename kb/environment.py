"""The environment of a run: a key that is hashed and names it, and a context that is only recorded.

Nothing in the key changes at a reboot (measurement.md section 6). What cannot be read is `unknown`, and an
environment with an unknown part equals no other.
"""

import json
import os
import platform
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from kb.packages import versions
from kb.plan import digest
from kb.words import Hardware

UNKNOWN = "unknown"
GIB = 1024**3
DEVICES = {"cuda": Hardware.GPU, "mps": Hardware.GPU, "xpu": Hardware.GPU, "tpu": Hardware.TPU}


@dataclass(frozen=True)
class Environment:
    """Machine and software of a run.

    Attributes
    ----------
    key : dict
        What must be equal for absolute numbers to be comparable.
    context : dict
        What was so at the time of the run.
    """

    key: dict[str, Any]
    context: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """The environment's name: 16 hexadecimal digits of the hash of its key."""
        return digest(self.key)[:16]


def observe(device: str = "cpu", threads: int | None = None) -> Environment:
    """Read the present environment.

    Parameters
    ----------
    device : str
        The device that arms run on.
    threads : int or None
        Threads for every framework; all physical cores that this process may use if None.
    """
    key = {
        "host": _host(),
        "accelerators": accelerators(),
        "system": {
            "kernel": platform.release(),
            "libc": "-".join(platform.libc_ver()),
            "os": platform.system(),
        },
        "python": {"implementation": platform.python_implementation(), "version": platform.python_version()},
        "packages": versions(),
        "settings": {"device": device, "threads": threads or default_threads()},
    }
    if UNKNOWN in json.dumps(key):
        key["equal_to_no_other"] = secrets.token_hex(8)
    return Environment(key, context())


def context() -> dict[str, Any]:
    """Read what changes from moment to moment: load, free memory, governor."""
    return {
        "load": [round(load, 2) for load in os.getloadavg()],
        "free_gib": round(psutil.virtual_memory().available / GIB, 1),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "uptime_s": int(float((_read("/proc/uptime").split() or ["0"])[0]))
        if _read("/proc/uptime") != UNKNOWN
        else 0,
        "kb": metadata.version("claims-kb") if _installed("claims-kb") else UNKNOWN,
        "distributions": sorted(f"{d.name}=={d.version}" for d in metadata.distributions()),
    }


def _installed(name: str) -> bool:
    return any(True for _ in metadata.distributions(name=name))


def _host() -> dict[str, Any]:
    cpu = _cpuinfo()
    return {
        "architecture": platform.machine(),
        "cpu": cpu.get("model name", platform.processor() or UNKNOWN),
        "family": cpu.get("cpu family", UNKNOWN),
        "model": cpu.get("model", UNKNOWN),
        "stepping": cpu.get("stepping", UNKNOWN),
        "isa": sorted(
            set(cpu.get("flags", "").split()) & {"avx", "avx2", "avx512f", "avx512_bf16", "amx_tile", "fma"}
        ),
        "logical_cores": _visible_cores(),
        "physical_cores": psutil.cpu_count(logical=False) or UNKNOWN,
        "memory_gib": round(psutil.virtual_memory().total / GIB),
        "virtualised": "hypervisor" in cpu.get("flags", "").split(),
    }


def _cpuinfo() -> dict[str, str]:
    text = _read("/proc/cpuinfo")
    first = text.split("\n\n")[0] if text != UNKNOWN else ""
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return UNKNOWN


def _visible_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_threads() -> int:
    """Return the threads that every framework gets: the physical cores this process may use."""
    physical = psutil.cpu_count(logical=False) or _visible_cores()
    return max(1, min(physical, _visible_cores()))


def accelerators() -> list[dict[str, str]]:
    """Return the GPUs that the driver lists, without importing a framework; empty if there is none."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = [tool, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        listed = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[part.strip() for part in line.split(",")] for line in listed.splitlines() if line.strip()]
    return [dict(zip(("name", "memory", "driver"), row, strict=False)) for row in rows]


def hardware_class(device: str) -> Hardware:
    """Return the class of hardware to which a device belongs."""
    return DEVICES.get(device, Hardware.CPU)


def devices() -> list[str]:
    """Return the devices that arms could run on here."""
    return ["cpu", *(["cuda"] if accelerators() else [])]
