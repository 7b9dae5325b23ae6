"""Names of devices: a cell says `cpu`, `cuda`, `rocm`, `mps`, `xpu` or `tpu`; frameworks have other words."""

import importlib
from collections.abc import Callable

from kb.verifier import Cell


def place(cell: Cell) -> str:
    """Return what PyTorch calls the cell's device; its builds for ROCm say `cuda`, torch_xla's `xla`."""
    return {"rocm": "cuda", "tpu": "xla"}.get(cell.device, str(cell.device))


def named(framework: str, kind: str) -> str:
    """Return kb's name of a kind of device, from the word that a framework has for it.

    Parameters
    ----------
    framework : str
        `pytorch`, `tensorflow` or `jax`; imported already.
    kind : str
        `torch.device.type`, TensorFlow's `device_type`, or the `platform` of a JAX device.
    """
    kind = {"xla": "tpu"}.get(kind.lower(), kind.lower())
    if kind not in ("cuda", "gpu"):
        return kind
    return "rocm" if _BUILT_WITH_ROCM[framework]() else "cuda"


def _is_jax_with_rocm() -> bool:
    return "rocm" in importlib.import_module("jax").devices("gpu")[0].client.platform_version


_BUILT_WITH_ROCM: dict[str, Callable[[], bool]] = {
    "pytorch": lambda: importlib.import_module("torch").version.hip is not None,
    "tensorflow": lambda: importlib.import_module("tensorflow").test.is_built_with_rocm(),
    "jax": _is_jax_with_rocm,
}
