"""The environment of a run: a key that is hashed and names it, and a context that is only recorded.

Nothing in the key changes at a reboot or between runs (measurement.md section 6). What a system of this kind
has and could not be read is `unknown`, and an environment with an unknown part equals no other; what it does
not have is None.
"""

import hashlib
import os
import platform
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from kb.cgroups import cpu_quota
from kb.devices import accelerators
from kb.host import GIB, host, physical_cores, visible_cpus
from kb.packages import FRAMEWORKS, version
from kb.plan import digest
from kb.software import build, distributions, operating_system, own_version, python
from kb.system_files import ROOT, UNKNOWN, pairs, read

# Variables that change how frameworks compute; kb sets some of them for its workers, over the user's.
PREFIXES = (
    "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "NUMEXPR_", "DNNL_", "ONEDNN_", "TF_", "KERAS_", "XLA_",
    "JAX_", "PJRT_", "TORCH", "PYTORCH_", "CUDA_", "CUDNN_", "CUBLAS_", "NVIDIA_TF32_OVERRIDE", "NCCL_",
    "HIP_", "ROCR_", "HSA_", "MIOPEN_", "ZE_", "ONEAPI_", "SYCL_", "TPU_", "LIBTPU_",
)  # fmt: skip
TERRAFORM = ("TF_VAR_", "TF_CLI_", "TF_TOKEN_")  # also begin with TF_
PLACES = ("_HOME", "_DIR", "_PATH", "_FILE", "_CACHE")  # say where something lies, not how it computes
SECRET = re.compile("key|token|secret|pass|credential|auth|cookie", re.IGNORECASE)


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

    @property
    def unread(self) -> list[str]:
        """The parts of the key that could not be read, for which this environment equals no other."""
        return list(_unread(self.key, ""))


def _unread(value: Any, path: str) -> list[str]:
    if value == UNKNOWN:
        return [path]
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, part in parts for found in _unread(part, f"{path}.{name}".lstrip("."))]


def observe(
    device: str = "cpu", threads: int | None = None, root: Path = ROOT, installed: list[str] | None = None
) -> Environment:
    """Read the present environment.

    Parameters
    ----------
    device : str
        The device that arms run on.
    threads : int or None
        Threads for every framework; all physical cores that this process may use if None.
    root : Path
        Where /proc, /sys and /dev lie.
    installed : list of str or None
        What is installed for the processes that are measured, as `name==version`; what is installed for this
        one if None.
    """
    own = installed is None
    installed = distributions() if installed is None else installed
    key = {
        "host": host(root),
        "accelerators": accelerators(root),
        "os": operating_system(root),
        "python": python(),
        "packages": _versions(installed, own),
        "build": build(installed),
        "settings": {
            "device": device,
            "threads": threads or default_threads(root),
            "affinity": len(visible_cpus()),
            "variables": _framework_variables(),
        },
    }
    if _unread(key, ""):
        key["equal_to_no_other"] = secrets.token_hex(8)
    return Environment(key, {**context(root), "distributions": installed})


def default_threads(root: Path = ROOT) -> int:
    """Return the threads that every framework gets: the physical cores of this process, within its quota."""
    quota = cpu_quota(root)
    cores = physical_cores(root)
    return max(1, min(cores, int(quota)) if isinstance(quota, float) else cores)


def _versions(installed: list[str], own: bool) -> dict[str, str]:
    """Return the frameworks' versions; one of our own under another name is looked for by its module."""
    named = dict(each.split("==", 1) for each in installed)
    found = {name: named.get(name) or (version(name) if own else None) for name in FRAMEWORKS}
    return {name: number for name, number in found.items() if number is not None}


def _framework_variables() -> dict[str, str]:
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith(PREFIXES) and not (name.startswith(TERRAFORM) or name.endswith(PLACES))
        if not SECRET.search(name)
    }


def context(root: Path = ROOT) -> dict[str, Any]:
    """Read what changes from moment to moment, and what tells of the machine without naming it.

    Of variables that are not in the key, only names are kept: any of them could bear a secret.

    Parameters
    ----------
    root : Path
        Where /proc and /sys lie.
    """
    scaling = root / "sys/devices/system/cpu/cpu0/cpufreq"
    return {
        "machine": hashlib.sha256(platform.node().encode()).hexdigest()[:12],
        "load": [round(load, 2) for load in os.getloadavg()],
        "runnable": _runnable(root),
        "free_gib": round(psutil.virtual_memory().available / GIB, 1),
        "swap_gib": round(psutil.swap_memory().used / GIB, 1),
        "governor": read(scaling / "scaling_governor"),
        "frequency_driver": read(scaling / "scaling_driver"),
        "max_khz": read(scaling / "cpuinfo_max_freq"),
        "turbo": _turbo(root),
        "microcode": pairs(read(root / "proc/cpuinfo")).get("microcode"),
        "isolated_cpus": read(root / "sys/devices/system/cpu/isolated") or None,
        "uptime_s": int(time.time() - psutil.boot_time()),
        "steal_s": getattr(psutil.cpu_times(), "steal", None),
        "clock": _clock(root),
        "kb": own_version(),
        "other_variables": sorted(set(os.environ) - set(_framework_variables())),
    }


def _runnable(root: Path) -> int | None:
    """Return how many threads could run at this moment, this one among them."""
    fields = (read(root / "proc/loadavg") or "").split()
    return int(fields[3].partition("/")[0]) if len(fields) > 3 else None


def _turbo(root: Path) -> bool | None:
    """Tell whether the processor may exceed its base frequency; None where the system does not say."""
    off = read(root / "sys/devices/system/cpu/intel_pstate/no_turbo")
    on = read(root / "sys/devices/system/cpu/cpufreq/boost")
    return off == "0" if off in ("0", "1") else on == "1" if on in ("0", "1") else None


def _clock(root: Path) -> dict[str, Any]:
    """Return the clock that bursts are timed with, and the kernel's source of time."""
    clock = time.get_clock_info("perf_counter")
    source = read(root / "sys/devices/system/clocksource/clocksource0/current_clocksource")
    return {"name": clock.implementation, "resolution_s": clock.resolution, "source": source}
