"""How much memory a step takes above what importing its framework took, in a process of its own.

Standard library only at import: a framework is looked up among the modules that the verifier imported. What
a system or an allocator does not tell is left out, never guessed, and `weight` then says what is lacking.
"""

import contextlib
import gc
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kb.verifier import Unavailable

EXACTNESS = 0.03  # share of a peak that may be miscounted or swapped: below what is claimed of memory, 15%
MIB = 2**20
STATUS, ROLLUP = "/proc/self/status", "/proc/self/smaps_rollup"
TENSORFLOW_NAME = {"cuda": "GPU", "mps": "GPU"}  # of others, the name in capitals
JAX_PLATFORM = {"cuda": "gpu"}  # ROCm too; others are named alike


class Meter:
    """The memory of this process between two moments.

    Start it in a fresh process that has imported the framework and put nothing on an accelerator: TensorFlow
    and JAX cannot be asked for their peak, nor told to forget it, before the verifier has configured them.
    Child processes are not counted.

    Parameters
    ----------
    framework : str
        `pytorch`, `tensorflow` or `jax` have allocators of their own; of any other, the process is weighed.
    device : str
        `cpu`, `cuda` (ROCm too), `mps`, `xpu` or `tpu`; of several, the framework's current or first one.
    """

    def __init__(self, framework: str, device: str) -> None:
        self.framework, self.device = framework, device

    def start(self) -> None:
        """Take the baseline and set peaks back as far as the system and the framework allow."""
        self._held = _restart_torch(self.framework, self.device)
        gc.collect()
        _miscount()  # its first call touches memory of its own
        with contextlib.suppress(OSError):  # then the old peak stands, and counts only once it is surpassed
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # proc(5): VmHWM becomes VmRSS
        self._miscount, self._swapped = _miscount(), _field(STATUS, "VmSwap") or 0
        self._baseline, self._mark = _resident(), _highest()

    def stop(self) -> dict[str, int]:
        """Return what was taken since the start, in bytes; call it while the step's objects still live.

        Returns
        -------
        dict
            `baseline`: resident when started, import included. `live`: resident now, after collection, above
            the baseline; negative where the step gave memory back. `peak`: most that was resident, above the
            baseline; absent where an earlier peak could not be reset and was not surpassed, since it is then
            not the step's. `peak_error`: by how much the kernel's running count, from which it takes the
            peak, was seen to differ from an exact count (Linux). `swapped`: moved to swap, so not counted.
            On an accelerator, as far as they are told: `allocated_peak` and `reserved_peak`, by the
            framework's allocator; `allocated_live` and `reserved_live` where it keeps no peak (mps);
            `device_live`, what the driver counts for this process now, its context included (NVIDIA).
        """
        highest, miscount = _highest(), max(self._miscount, _miscount())
        found = {"baseline": self._baseline}
        if highest > self._mark:
            found["peak"] = highest - self._baseline
        if sys.platform == "linux":
            swapped = (_field(STATUS, "VmSwap") or 0) - self._swapped
            found |= {"peak_error": miscount, "swapped": max(swapped, 0)}
        if self.device != "cpu":
            found |= self._on_accelerator()
        gc.collect()
        found["live"] = _resident() - self._baseline
        return found

    def _on_accelerator(self) -> dict[str, int]:
        module = sys.modules.get({"pytorch": "torch"}.get(self.framework, self.framework))
        read = ALLOCATORS.get(self.framework)
        found = read(module, self.device) if module is not None and read is not None else {}
        found = {name: value - self._held.get(name, 0) for name, value in found.items()}
        return found | (_counted_by_driver() if self.device == "cuda" else {})


def weight(found: Mapping[str, int], device: str) -> int:
    """Return the peak that decides, in bytes: resident on a CPU, allocated on an accelerator.

    Parameters
    ----------
    found : mapping
        What `Meter.stop` returned.
    device : str
        Where the step ran.

    Raises
    ------
    Unavailable
        Where no peak is told, the step took nothing, or a CPU's peak is not known to 3%.
    """
    if device != "cpu":
        lacking = f"needs the peak that was allocated on {device}; the framework's allocator tells none"
        return _positive(found.get("allocated_peak"), lacking)
    lacking = (
        "needs a peak of memory that is the step's own; the step surpassed neither what was resident before "
        "it nor, where the system cannot reset it (/proc/self/clear_refs), an earlier peak"
    )
    peak = _positive(found.get("peak"), lacking)
    if (swapped := found.get("swapped", 0)) > EXACTNESS * peak:
        message = f"needs memory that stays resident; {swapped} bytes were swapped out, of a peak of {peak}"
        raise Unavailable(message, "no-hardware")
    if (off := found.get("peak_error", 0)) > EXACTNESS * peak:
        message = (
            f"needs the peak to {EXACTNESS:.0%}; the kernel miscounts by {off} bytes, of a peak of {peak}: "
            "run on fewer processors (taskset), or weigh a larger step"
        )
        raise Unavailable(message, "no-hardware")
    return peak


def _positive(peak: int | None, lacking: str) -> int:
    if peak is None or peak <= 0:
        raise Unavailable(lacking, "no-software")
    return peak


def _field(file: str, name: str) -> int | None:
    """Read one field, in bytes, of a file of /proc; None where there is no such file or field."""
    try:
        text = Path(file).read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    line = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    return int(line[1]) * 1024 if line else None


def _resident() -> int:
    """Return what is resident now: exactly, by a walk of the page tables, or else as the system counts it."""
    for file, name in ((ROLLUP, "Rss"), (STATUS, "VmRSS")):
        if (size := _field(file, name)) is not None:
            return size
    listed = subprocess.run(
        ["/bin/ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True
    )
    return int(listed.stdout) * 1024


def _highest() -> int:
    """Return the most that was ever resident, or since the last reset."""
    if (size := _field(STATUS, "VmHWM")) is not None:
        return size
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _miscount() -> int:
    """Return by how much the kernel's running count of resident memory is off now; 0 where that is not told.

    Linux counts pages per thread (before 6.2) or per processor and adds them up late; the peak is the largest
    such sum. /proc/self/stat shows the sum, smaps_rollup the truth (proc_pid_stat(5), field 24). The sum is
    read before and after, because other threads may be giving memory back meanwhile, as XLA's do.
    """
    before, exact, after = _counted(), _field(ROLLUP, "Rss"), _counted()
    if exact is None:
        return 0
    return max(min(before, after) - exact, exact - max(before, after), 0)


def _counted() -> int:
    """Return the kernel's running count of resident memory; 0 where there is no such file."""
    try:
        text = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[21]) * resource.getpagesize()


def _restart_torch(framework: str, device: str) -> dict[str, int]:
    """Reset torch's peaks if it has begun to use the device, and return what it holds there already."""
    module = getattr(sys.modules.get("torch"), device, None) if framework == "pytorch" else None
    if device not in ("cuda", "xpu") or module is None or not module.is_initialized():
        return {}
    module.reset_peak_memory_stats()
    return _torch(sys.modules["torch"], device)  # just after the reset, peaks equal what is held


def _torch(torch: Any, device: str) -> dict[str, int]:
    """Read torch's caching allocator on its current device."""
    module = getattr(torch, device, None)
    if module is None or not module.is_available():
        return {}
    if device == "mps":
        allocated, reserved = module.current_allocated_memory(), module.driver_allocated_memory()
        return {"allocated_live": allocated, "reserved_live": reserved}
    # max_memory_allocated() would say 0 of a device that was never used
    return _told(module.memory_stats(), "allocated_bytes.all.peak", "reserved_bytes.all.peak")


def _tensorflow(tensorflow: Any, device: str) -> dict[str, int]:
    """Read TensorFlow's allocator on the first device of the kind; it tells no reserved memory."""
    name = TENSORFLOW_NAME.get(device, device.upper())
    if not tensorflow.config.list_physical_devices(name):
        return {}
    try:
        return _told(tensorflow.config.experimental.get_memory_info(f"{name}:0"), "peak")
    except ValueError:  # a device whose allocator keeps no statistics
        return {}


def _jax(jax: Any, device: str) -> dict[str, int]:
    """Read XLA's allocator on the first device of the kind; its pool is what it reserved."""
    try:
        stats = jax.local_devices(backend=JAX_PLATFORM.get(device, device))[0].memory_stats()
    except RuntimeError:  # no such device
        return {}
    return _told(stats or {}, "peak_bytes_in_use", "peak_pool_bytes")


def _told(stats: Mapping[str, int], allocated: str, reserved: str = "") -> dict[str, int]:
    """Rename the two peaks of an allocator, as far as it has them; XLA marks an unknown one as -1."""
    names = {"allocated_peak": allocated, "reserved_peak": reserved}
    return {ours: stats[theirs] for ours, theirs in names.items() if stats.get(theirs, -1) >= 0}


def _counted_by_driver() -> dict[str, int]:
    """Ask NVIDIA's driver what this process holds now; it keeps no peak, and knows no container's pids."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return {}
    query = [program, "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    listed = subprocess.run(query, capture_output=True, text=True, check=False)
    rows = re.findall(rf"^{os.getpid()},\s*(\d+)$", listed.stdout, re.MULTILINE)
    return {"device_live": sum(map(int, rows)) * MIB} if rows else {}


ALLOCATORS: Mapping[str, Callable[[Any, str], dict[str, int]]] = {
    "pytorch": _torch,
    "tensorflow": _tensorflow,
    "jax": _jax,
}
