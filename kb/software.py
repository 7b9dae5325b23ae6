"""The software under a run: operating system, interpreter, installed distributions, compiler."""

import gc
import hashlib
import os
import platform
import re
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from kb.system_files import ROOT, UNKNOWN, read, told

OWN = "claims-kb"
ALLOCATORS = ("PYTHONMALLOC", "GLIBC_TUNABLES")
PRELOADS = ("LD_PRELOAD", "DYLD_INSERT_LIBRARIES")
BUILD = ("CONFIG_ARGS", "PY_CFLAGS", "PY_LDFLAGS", "EXT_SUFFIX")


def operating_system(root: Path = ROOT) -> dict[str, Any]:
    """Return kernel, C library, and how memory is laid out, paged and allocated."""
    pages = read(root / "sys/kernel/mm/transparent_hugepage/enabled")
    chosen = re.search(r"\[(.+)\]", pages or "")
    return {
        "name": platform.system() or UNKNOWN,
        "kernel": platform.release() or UNKNOWN,
        "libc": "-".join(filter(None, platform.libc_ver())) or _mac_version(),
        "aslr": read(root / "proc/sys/kernel/randomize_va_space"),
        "transparent_huge_pages": chosen[1] if chosen else pages,
        "allocator": _allocator(),
    }


def _mac_version() -> str:
    version = platform.mac_ver()[0]
    return f"macOS-{version}" if version else UNKNOWN


def _allocator() -> dict[str, str]:
    """Return what replaces or tunes the C library's allocator; libraries by name, without folders."""
    found = {
        name: value for name, value in os.environ.items() if name in ALLOCATORS or name.startswith("MALLOC_")
    }
    for name in PRELOADS:
        if libraries := os.environ.get(name, "").replace(":", " ").split():
            found[name] = " ".join(Path(library).name for library in libraries)
    return dict(sorted(found.items()))


def python() -> dict[str, Any]:
    """Return the interpreter, how it was built, and the policies under which it runs."""
    build = [str(sysconfig.get_config_var(name)) for name in BUILD] + [platform.python_compiler()]
    return {
        "implementation": platform.python_implementation(),
        "version": platform.python_version(),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
        "build": hashlib.sha256("\n".join(build).encode()).hexdigest()[:16],
        "hash_seed": os.environ.get("PYTHONHASHSEED", "random"),
        "gc": [gc.isenabled(), *gc.get_threshold()],
    }


def distributions() -> list[str]:
    """Return everything that is installed, as sorted `name==version`; of two of a name, what is imported."""
    found: dict[str, str] = {}
    for described in (each.metadata for each in metadata.distributions()):
        if described["Name"]:
            found.setdefault(canonicalize_name(described["Name"]), described["Version"])
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def own_version() -> str:
    """Return the version of kb as it is installed."""
    return next((each.version for each in metadata.distributions(name=OWN)), UNKNOWN)


def build(installed: list[str]) -> dict[str, Any]:
    """Return the compiler that `torch.compile` would call, and a hash that locks all that is installed.

    Parameters
    ----------
    installed : list of str
        What `distributions` returned. kb itself does not count: an outcome names its commit.
    """
    locked = [each for each in installed if not each.startswith(f"{OWN}==")]
    return {
        "compiler": compiler(),
        "distributions": len(locked),
        "lock": hashlib.sha256("\n".join(locked).encode()).hexdigest(),
    }


def compiler() -> str:
    """Return name and version of the C++ compiler, by its own first line; `none` where there is none."""
    said = told(os.environ.get("CXX", "g++"), "--version")
    return said.splitlines()[0] if said else "none"
