"""What control groups allow this process, in version 1, version 2, and both at once (cgroups(7)).

A limit holds for a group and all below it, so the smallest on the way up to the mount point is in force.
"""

from collections.abc import Iterator
from pathlib import Path

from kb.system_files import ROOT, UNKNOWN, read

MIB = 1024**2


def cpu_quota(root: Path = ROOT) -> float | str | None:
    """Return how many processors' time this process may use; None without a quota.

    Parameters
    ----------
    root : Path
        Where /proc and /sys lie.
    """
    quotas: list[float] = []
    for folder in _folders(root, "cpu"):
        text = read(folder / "cpu.max")
        if text is None:
            text = f"{read(folder / 'cpu.cfs_quota_us')} {read(folder / 'cpu.cfs_period_us')}"
        quota, _, period = text.partition(" ")
        if UNKNOWN in (quota, period):
            return UNKNOWN
        if quota.isdigit() and period.isdigit():
            quotas.append(round(int(quota) / int(period), 3))
    return min(quotas, default=None)


def memory_limit_mib(total: int, root: Path = ROOT) -> int | str | None:
    """Return how much memory this process may use, in MiB; None where nothing below the total limits it.

    Parameters
    ----------
    total : int
        The machine's memory in bytes.
    root : Path
        Where /proc and /sys lie.
    """
    limits: list[int] = []
    for folder in _folders(root, "memory"):
        text = read(folder / "memory.max") or read(folder / "memory.limit_in_bytes")
        if text == UNKNOWN:
            return UNKNOWN
        if text is not None and text.isdigit() and int(text) < total:
            limits.append(int(text) // MIB)
    return min(limits, default=None)


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's group and of those above it, for one controller."""
    groups = [line.split(":", 2) for line in (read(root / "proc/self/cgroup") or "").splitlines()]
    for line in (read(root / "proc/self/mountinfo") or "").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2) if after.count(" ") >= 2 else ("", "", "")
        if kind not in ("cgroup", "cgroup2") or (kind == "cgroup" and controller not in options.split(",")):
            continue
        wanted = controller if kind == "cgroup" else ""
        path = next((group[2] for group in groups if wanted in group[1].split(",")), "/")
        mounted, mount_point = before.split(" ")[3:5]
        top = root / mount_point.lstrip("/")
        folder = top / _below(path, mounted)
        yield from (each for each in (folder, *folder.parents) if each == top or top in each.parents)


def _below(path: str, mounted: str) -> str:
    """Return where a group lies under a mount that shows only the groups below `mounted`."""
    inside = path.removeprefix(mounted) if path.startswith(mounted) else ""
    return "" if ".." in inside else inside.lstrip("/")
