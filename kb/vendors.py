"""Accelerators as their drivers show them, one function a vendor, without importing a framework.

Each looks in files under a root, and where these do not tell, asks the vendor's tool. What a device of its
kind has and could not be read is `unknown`; what it does not have is None. Nothing read here changes from
run to run: no clocks, temperatures or free memory.
"""

import csv
import json
import os
import platform
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from kb.system_files import ROOT, UNKNOWN, joined, pairs, read, told

MIB = 1024**2
SMI_FIELDS = {
    "model": "name",
    "memory": "memory.total",
    "driver": "driver_version",
    "compute_capability": "compute_cap",
    "power_limit": "power.limit",
    "partition": "mig.mode.current",
    "ecc": "ecc.mode.current",
}
OLD_SMI_FIELDS = ("model", "memory", "driver")  # which every driver answers; it refuses a query whole
INTEL_DRIVERS = ("xe", "i915")
# PCI device ids under Google's vendor id, which its network cards bear too; from jax/_src/hardware_utils.py.
TPUS = {
    "0x0027": "TPU v2 or v3",
    "0x005e": "TPU v4",
    "0x0062": "TPU v5p",
    "0x0063": "TPU v5e",
    "0x006f": "TPU v6e",
    "0x0076": "TPU7x",
}
TPU_VARIABLES = ("TPU_ACCELERATOR_TYPE", "TPU_WORKER_ID", "TPU_NAME", "TPU_CHIPS_PER_HOST_BOUNDS")


@dataclass(frozen=True)
class Device:
    """One accelerator.

    Attributes
    ----------
    name : str
        What `--device` calls it: `cuda`, `rocm`, `mps`, `xpu` or `tpu`.
    vendor, model : str
        Who made it, and what it is called.
    memory : str or None
        Its memory with unit; None where the model settles it.
    driver, runtime : str or None
        Versions of the kernel's and of the vendor's libraries' side.
    compute_capability : str or None
        Generation for which code is compiled: `9.0`, `gfx942`.
    partition, ecc, power_limit : str or None
        MIG or compute partition mode, error correction, and power limit with unit.
    """

    name: str
    vendor: str
    model: str
    memory: str | None = None
    driver: str | None = None
    runtime: str | None = None
    compute_capability: str | None = None
    partition: str | None = None
    ecc: str | None = None
    power_limit: str | None = None


def nvidia(root: Path = ROOT) -> list[Device]:
    """Return NVIDIA's GPUs as `nvidia-smi` lists them; where it does not, those in /proc/driver/nvidia."""
    for asked in (tuple(SMI_FIELDS), OLD_SMI_FIELDS):
        query = ",".join(SMI_FIELDS[field] for field in asked)
        listed = told("nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader")
        if listed is not None:
            break
    else:
        return _nvidia_by_driver(root)
    rows = [row for row in csv.reader(listed.splitlines(), skipinitialspace=True) if len(row) == len(asked)]
    if not rows:
        return []
    stated = re.search(r"CUDA (?:\w+ )?Version\s*:\s*([\d.]+)", told("nvidia-smi") or "")
    runtime = stated[1] if stated else UNKNOWN
    unasked: dict[str, str | None] = dict.fromkeys(SMI_FIELDS, UNKNOWN)
    return [_nvidia(runtime, {**unasked, **dict(zip(asked, map(_value, row), strict=True))}) for row in rows]


def _nvidia(runtime: str, answers: dict[str, str | None]) -> Device:
    return Device("cuda", "NVIDIA", answers.pop("model") or UNKNOWN, runtime=runtime, **answers)


def _value(cell: str) -> str | None:
    """Return what a tool printed; None where the device has no such property."""
    if cell.strip(" []").lower() in ("n/a", "not supported"):
        return None
    return UNKNOWN if "error" in cell.lower() else cell.strip()


def _nvidia_by_driver(root: Path) -> list[Device]:
    """Return the GPUs that the driver shows, if there are device files; a container may lack them."""
    if not any(root.glob("dev/nvidia[0-9]*")):
        return []
    version = re.search(r"Kernel Module\D*([\d.]+)", read(root / "proc/driver/nvidia/version") or "")
    driver, rest = version[1] if version else UNKNOWN, (UNKNOWN,) * 5
    shown = sorted(root.glob("proc/driver/nvidia/gpus/*/information"))
    models = [pairs(read(path)).get("Model", UNKNOWN) for path in shown] or [UNKNOWN]
    return [Device("cuda", "NVIDIA", model, UNKNOWN, driver, *rest) for model in models]


def amd(root: Path = ROOT) -> list[Device]:
    """Return AMD's GPUs that its compute driver shows: nodes of /sys/class/kfd with vector units."""
    if not (root / "dev/kfd").exists():
        return []
    nodes = sorted(
        root.glob("sys/class/kfd/kfd/topology/nodes/*/properties"), key=lambda path: path.parent.name
    )
    found = (pairs(read(path), None) for path in nodes)
    return [_amd(root, node) for node in found if node.get("simd_count", "0") != "0"]


def _amd(root: Path, node: dict[str, str]) -> Device:
    drm = root / f"sys/class/drm/renderD{node.get('drm_render_minor')}/device"
    generation = _gfx(node.get("gfx_target_version", ""))
    cap = next((read(path) for path in sorted(drm.glob("hwmon/hwmon*/power1_cap"))), None)
    return Device(
        "rocm",
        "AMD",
        model=read(drm / "product_name") or joined("AMD", generation),
        memory=_mib(read(drm / "mem_info_vram_total")),
        driver=read(root / "sys/module/amdgpu/version") or "in-tree",
        runtime=read(root / "opt/rocm/.info/version"),
        compute_capability=generation,
        partition=read(drm / "current_compute_partition"),
        power_limit=f"{int(cap) // 1_000_000} W" if cap and cap.isdigit() else cap,
    )


def _gfx(version: str) -> str:
    """Return the name of a generation: 90402 is gfx942, 90010 is gfx90a."""
    if not version.isdigit():
        return UNKNOWN
    major, minor, step = int(version) // 10000, int(version) // 100 % 100, int(version) % 100
    return f"gfx{major}{minor:x}{step:x}"


def _mib(size: str | None) -> str:
    return f"{int(size) // MIB} MiB" if size and size.isdigit() else UNKNOWN


def apple(system: str | None = None, machine: str | None = None) -> list[Device]:
    """Return the GPU of an Apple processor, which every Mac with one has; its memory is the machine's."""
    if (system or platform.system(), machine or platform.machine()) != ("Darwin", "arm64"):
        return []
    model = (told("sysctl", "-n", "machdep.cpu.brand_string") or UNKNOWN).strip()
    return [Device("mps", "Apple", model, driver=platform.mac_ver()[0] or UNKNOWN, runtime="Metal")]


def intel(root: Path = ROOT) -> list[Device]:
    """Return Intel's discrete GPUs: display devices of its drivers that do not sit on PCI bus 0.

    Bus 0 holds what is built into the processor, whose GPU shares the machine's memory and is left out.
    """
    found: dict[str, Path] = {}
    for card in sorted(root.glob("sys/class/drm/card[0-9]*")):
        device = card / "device"
        address, driver = device.resolve().name, (device / "driver").resolve().name
        discrete = address.count(":") == 2 and address.split(":")[1] != "00"
        if read(device / "vendor") == "0x8086" and driver in INTEL_DRIVERS and discrete:
            found.setdefault(address, card)
    models = _intel_models() if found else {}
    return [_intel(root, card, models.get(address)) for address, card in found.items()]


def _intel(root: Path, card: Path, model: str | None) -> Device:
    device = card / "device"
    driver = (device / "driver").resolve().name
    libraries = [path.name for path in root.glob("usr/lib*/**/libze_intel_gpu.so.*.*")]
    size = read(device / "tile0/physical_vram_size_bytes") or read(card / "lmem_total_bytes")
    return Device(
        "xpu",
        "Intel",
        model=model or joined("Intel", read(device / "device")),
        memory=_mib(str(int(size, 0)) if size and size != UNKNOWN else None),
        driver=joined(driver, read(root / f"sys/module/{driver}/version") or "in-tree"),
        runtime=max(libraries, default=UNKNOWN).removeprefix("libze_intel_gpu.so."),
    )


def _intel_models() -> dict[str, str]:
    """Return the names of Intel's GPUs by PCI address, where `xpu-smi` tells them."""
    try:
        listed = json.loads(told("xpu-smi", "discovery", "-j") or "{}").get("device_list", [])
        return {each["pci_bdf_address"]: each["device_name"] for each in listed}
    except (ValueError, AttributeError, KeyError, TypeError):
        return {}


def google(root: Path = ROOT) -> list[Device]:
    """Return Google's TPU chips on the PCI bus; in a container that hides it, those with a device file.

    A device file alone says little (/dev/vfio serves any device): one of Google's variables must be set too.
    """
    functions = sorted(root.glob("sys/bus/pci/devices/*"))
    chips = [read(path / "device") or "" for path in functions if read(path / "vendor") == "0x1ae0"]
    models = [TPUS[chip] for chip in chips if chip in TPUS]
    if not models and any(name in os.environ for name in TPU_VARIABLES):
        files = [*root.glob("dev/accel[0-9]*"), *root.glob("dev/vfio/[0-9]*")]
        models = [joined("TPU", os.environ.get("TPU_ACCELERATOR_TYPE", UNKNOWN))] * len(files)
    runtime = next((each.version for each in metadata.distributions(name="libtpu")), None)
    return [Device("tpu", "Google", model, runtime=runtime) for model in models]
