"""The machine as this process sees it: processor, cores, caches, memory, virtualisation, limits.

What cannot exist on a kind of system is None; what exists and could not be read is `unknown`. Nothing here
changes at a reboot.
"""

import os
import platform
from pathlib import Path
from typing import Any

import psutil

from kb.cgroups import cpu_quota, memory_limit_mib
from kb.system_files import ROOT, UNKNOWN, joined, pairs, read, told

GIB = 1024**3
X86 = {
    "cpu_vendor": "vendor_id",
    "cpu": "model name",
    "family": "cpu family",
    "model": "model",
    "stepping": "stepping",
}
ARM = {
    "cpu_vendor": "CPU implementer",
    "family": "CPU architecture",
    "model": "CPU part",
    "stepping": "CPU revision",
}
APPLE = {
    "cpu": "machdep.cpu.brand_string",
    "family": "hw.cpufamily",
    "model": "hw.cputype",
    "stepping": "hw.cpusubtype",
}
APPLE_CACHES = {
    "l1d": "hw.l1dcachesize",
    "l1i": "hw.l1icachesize",
    "l2": "hw.l2cachesize",
    "l3": "hw.l3cachesize",
}
ISA = {
    "sse4_2", "avx", "avx2", "f16c", "fma", "avx_vnni", "avx512f", "avx512bw", "avx512dq", "avx512vl",
    "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
    "asimd", "asimddp", "asimdhp", "bf16", "i8mm", "sve", "sve2", "svebf16", "sme",
}  # fmt: skip
# What the guest's clock, or the firmware's name of the machine, says of who runs it (systemd-detect-virt(1)).
CLOCKS = {"kvm-clock": "kvm", "hyperv": "microsoft", "xen": "xen"}
FIRMWARE = {
    "amazon ec2": "amazon",
    "google compute engine": "google",
    "kvm": "kvm",
    "qemu": "kvm",
    "vmware": "vmware",
    "virtualbox": "oracle",
    "innotek": "oracle",
    "microsoft corporation virtual": "microsoft",
    "xen": "xen",
}


def host(root: Path = ROOT, cpus: frozenset[int] | None = None) -> dict[str, Any]:
    """Return what the machine is, as far as this process may use it.

    Parameters
    ----------
    root : Path
        Where /proc and /sys lie.
    cpus : frozenset of int or None
        The logical processors that count; those of this process's affinity mask if None.
    """
    cpus = cpus or visible_cpus()
    total = psutil.virtual_memory().total
    apple = platform.system() == "Darwin"
    return {
        "architecture": platform.machine() or UNKNOWN,
        **(apple_processor() if apple else _processor(root)),
        "sockets": _distinct(root, cpus, "physical_package_id") or (1 if apple else UNKNOWN),
        "physical_cores": physical_cores(root, cpus),
        "logical_cores": len(cpus),
        "smt": _smt(root),
        "numa_nodes": len(list(root.glob("sys/devices/system/node/node[0-9]*"))) or None,
        **({} if apple else _caches(root, min(cpus))),
        "memory_gib": round(total / GIB),
        "virtualisation": _virtualisation(root),
        "container": _container(root),
        "product": _product(root) or None,
        "cpu_quota": cpu_quota(root),
        "memory_limit_mib": memory_limit_mib(total, root),
    }


def visible_cpus() -> frozenset[int]:
    """Return the logical processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def physical_cores(root: Path = ROOT, cpus: frozenset[int] | None = None) -> int:
    """Return how many physical cores carry the logical processors that this process may run on."""
    cpus = cpus or visible_cpus()
    found = _distinct(root, cpus, "core_cpus_list") or _distinct(root, cpus, "thread_siblings_list")
    return found or min(psutil.cpu_count(logical=False) or len(cpus), len(cpus))


def _distinct(root: Path, cpus: frozenset[int], name: str) -> int | None:
    """Count the distinct values of a file of the processors' topology; None if one has no such file."""
    folder = root / "sys/devices/system/cpu"
    found = {read(folder / f"cpu{cpu}/topology/{name}") for cpu in cpus}
    return None if found & {None, UNKNOWN} else len(found)


def _processor(root: Path) -> dict[str, Any]:
    """Return name, vendor and numbers of the first processor from /proc/cpuinfo."""
    info = pairs((read(root / "proc/cpuinfo") or "").partition("\n\n")[0])
    arm = "CPU part" in info
    found: dict[str, Any] = {field: info.get(name, UNKNOWN) for field, name in (ARM if arm else X86).items()}
    if arm:
        found["cpu"] = f"ARM implementer {found['cpu_vendor']}, part {found['model']}"
    flags = info.get("flags") or info.get("Features")
    return {**found, "isa": UNKNOWN if flags is None else sorted(ISA & set(flags.split()))}


def apple_processor() -> dict[str, Any]:
    """Return the same, and the caches, from macOS's `sysctl`."""
    info = pairs(told("sysctl", "hw", "machdep.cpu"))
    caches = {
        f"{level}_kib": int(info[name]) // 1024 if name in info else None
        for level, name in APPLE_CACHES.items()
    }
    optional = "hw.optional.arm.FEAT_"
    return {
        "cpu_vendor": info.get("machdep.cpu.vendor", "Apple"),
        **{field: info.get(name, UNKNOWN) for field, name in APPLE.items()},
        "isa": sorted(
            name.removeprefix(optional) for name in info if name.startswith(optional) and info[name] == "1"
        ),
        **caches,
    }


def _caches(root: Path, cpu: int) -> dict[str, int | str | None]:
    """Return the sizes in KiB of the caches that a processor reaches; None for a level that it lacks."""
    found: dict[str, int | str | None] = {}
    for folder in sorted((root / f"sys/devices/system/cpu/cpu{cpu}/cache").glob("index*")):
        kind = {"Data": "d", "Instruction": "i"}.get(read(folder / "type") or "", "")
        size = (read(folder / "size") or "").removesuffix("K")
        found[f"l{read(folder / 'level')}{kind}_kib"] = int(size) if size.isdigit() else UNKNOWN
    absent = None if found else UNKNOWN
    return {name: found.get(name, absent) for name in ("l1d_kib", "l1i_kib", "l2_kib", "l3_kib")}


def _smt(root: Path) -> bool:
    active = read(root / "sys/devices/system/cpu/smt/active")
    if active in ("0", "1"):
        return active == "1"
    return (psutil.cpu_count() or 1) > (psutil.cpu_count(logical=False) or 1)


def _product(root: Path) -> str:
    """Return vendor and name of the machine as its firmware gives them; in a cloud, the instance type."""
    return joined(*(read(root / f"sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name")))


def _virtualisation(root: Path) -> str | None:
    """Return the hypervisor under which the machine runs; None on the bare machine.

    A guest's x86 processor has the flag `hypervisor`; on others only clock and firmware tell.
    """
    flags = pairs((read(root / "proc/cpuinfo") or "").partition("\n\n")[0]).get("flags", "").split()
    if flags and "hypervisor" not in flags:
        return None
    clocks = read(root / "sys/devices/system/clocksource/clocksource0/available_clocksource") or ""
    signs = [name for sign, name in CLOCKS.items() if sign in clocks]
    product = _product(root).lower()
    signs += [name for sign, name in FIRMWARE.items() if sign in product and "metal" not in product]
    return next(iter(signs), UNKNOWN if flags else None)


def _container(root: Path) -> str | None:
    """Return the kind of container around this process, by the marks that they leave; None without one."""
    if (root / ".dockerenv").exists():
        return "docker"
    if (root / "run/.containerenv").exists():
        return "podman"
    return read(root / "run/systemd/container")
