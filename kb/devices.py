"""The devices that arms can run on here: which there are, of which class, and how the others are hidden."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kb.system_files import ROOT
from kb.vendors import Device, amd, apple, google, intel, nvidia
from kb.words import Hardware

__all__ = ["Device", "absent", "accelerators", "devices", "found", "hardware_class", "hidden"]

CLASSES = {
    "cuda": Hardware.GPU,
    "rocm": Hardware.GPU,
    "mps": Hardware.GPU,
    "xpu": Hardware.GPU,
    "tpu": Hardware.TPU,
}
LOOKED_FOR = {
    "cuda": "nvidia-smi lists no GPU, and the driver shows none in /proc/driver/nvidia",
    "rocm": "no /dev/kfd, or no GPU among the nodes of /sys/class/kfd",
    "mps": "not a Mac with an Apple processor",
    "xpu": "no discrete Intel GPU (driver xe or i915, not on PCI bus 0) in /sys/class/drm",
    "tpu": "no TPU among /sys/bus/pci/devices, and no /dev/accel* or /dev/vfio with TPU_* variables",
}
# HIP heeds CUDA_VISIBLE_DEVICES too, so on ROCm it must stay as the user set it.
# https://rocm.docs.amd.com/projects/HIP/en/latest/reference/env_variables.html
HIDE = {
    "cuda": {"CUDA_VISIBLE_DEVICES": "-1"},
    "rocm": {"HIP_VISIBLE_DEVICES": "-1"},
    "xpu": {"ONEAPI_DEVICE_SELECTOR": "*:cpu"},
}
JAX_PLATFORMS = {"cuda": "cuda,cpu", "rocm": "rocm,cpu", "tpu": "tpu,cpu"}


def found(root: Path = ROOT) -> list[Device]:
    """Return every accelerator of this machine, in the order of the vendors' functions.

    Parameters
    ----------
    root : Path
        Where /proc, /sys, /dev and /usr lie.
    """
    return [*nvidia(root), *amd(root), *apple(), *intel(root), *google(root)]


def accelerators(root: Path = ROOT) -> list[dict[str, Any]]:
    """Return every accelerator as JSON data: `device` is what `--device` calls it, `name` its model."""
    return [
        {"device": each.name, "name": each.model}
        | {field: value for field, value in asdict(each).items() if field not in ("name", "model")}
        for each in found(root)
    ]


def devices(root: Path = ROOT) -> list[str]:
    """Return the names of the devices that arms could run on here; `cpu` is the first."""
    return ["cpu", *dict.fromkeys(each.name for each in found(root))]


def absent(here: Sequence[str]) -> dict[str, str]:
    """Return, for each kind of device that is not here, what was looked for in vain.

    Parameters
    ----------
    here : sequence of str
        What `devices` returned.
    """
    return {name: sentence for name, sentence in LOOKED_FOR.items() if name not in here}


def hardware_class(device: str) -> Hardware:
    """Return the class of hardware to which a device belongs."""
    return CLASSES.get(device, Hardware.CPU)


def hidden(device: str) -> dict[str, str]:
    """Return the variables under which a process sees no accelerators but those of one kind.

    Apple's GPU cannot be hidden; frameworks use it only where they are told to. A TPU is taken by JAX alone,
    which is told the platforms that it may start.

    Parameters
    ----------
    device : str
        The device that stays visible; `cpu` hides all.
    """
    kept = {"rocm": ("rocm", "cuda")}.get(device, (device,))
    variables = {name: value for other in HIDE if other not in kept for name, value in HIDE[other].items()}
    return {**variables, "JAX_PLATFORMS": JAX_PLATFORMS.get(device, "cpu")}
