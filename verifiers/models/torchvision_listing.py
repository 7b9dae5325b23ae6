"""Writes down the models that torchvision lists, with their weight files: torchvision_listing.py OUT.json."""

import importlib.util
import json
import sys
from pathlib import Path

import torch

OPERATORS = ("nms", "qnms")


def compiled() -> bool:
    """Load torchvision's compiled operators; tell whether they fit this PyTorch."""
    spec = importlib.util.find_spec("torchvision")
    libraries = sorted(Path(spec.submodule_search_locations[0]).glob("_C*"))
    try:
        torch.ops.load_library(str(libraries[0]))
    except OSError:
        return False
    return True


def main(path: str) -> None:
    """List all models, build one without its weights, and run it."""
    loaded = compiled()
    if not loaded:
        # Wheels for CUDA beside PyTorch for the CPU: torchvision then asks for these two by name while it is
        # imported; listing does not use them.
        library = torch.library.Library("torchvision", "DEF")
        for name in OPERATORS:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision
    from torchvision import models

    weights = {name: [each.url for each in models.get_model_weights(name)] for name in models.list_models()}
    with torch.no_grad():
        logits = models.get_model("resnet18", weights=None).eval()(torch.zeros(1, 3, 64, 64))
    found = {
        "torch_version": torch.__version__,
        "torchvision_version": torchvision.__version__,
        "compiled_operators": loaded,
        "weights": weights,
        "classes": logits.shape[1],
    }
    Path(path).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
