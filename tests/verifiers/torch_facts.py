"""What PyTorch itself counts and shows of the architectures, printed as JSON: torch_facts.py.

In a process of its own, because TensorFlow's tests must not share one with torch.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[2]


def counted(architecture: Any, training: bool) -> int:
    """Count the operations of one image, on the meta device, where shapes flow and nothing is computed."""
    with torch.device("meta"):
        model = architecture.pytorch().train(training)
        image = torch.empty(1, 3, *architecture.IMAGE[:2])
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(training):
        logits = model(image)
        if training:
            logits.sum().backward()
    return counter.get_total_flops()


def activation_layouts(architecture: Any) -> list[str]:
    """Return the layouts of what each module gives when model and image are laid channels last."""
    from models import observation

    found: set[str] = set()

    def look(_: Any, __: Any, output: Any) -> None:
        if output.ndim == 4:
            found.add(observation.pytorch([output])["layout"])

    model = architecture.pytorch().to(memory_format=torch.channels_last).eval()
    for module in model.modules():
        module.register_forward_hook(look)
    with torch.no_grad():
        model(torch.zeros(1, 3, *architecture.IMAGE[:2]).to(memory_format=torch.channels_last))
    return sorted(found)


def main() -> None:
    """Print the facts."""
    sys.path[:0] = [str(ROOT), str(ROOT / "verifiers")]
    from models import observation, resnet50, small_cnn

    image = torch.zeros(1, 3, 8, 8)
    both = [image, image.to(memory_format=torch.channels_last), image.double(), torch.zeros(4, 2, 1, 1)]
    facts = {
        "small_cnn": {"forward": counted(small_cnn, False), "training": counted(small_cnn, True)},
        "resnet50": {"forward": counted(resnet50, False), "training": counted(resnet50, True)},
        "activations": [activation_layouts(one) for one in (small_cnn, resnet50)],
        "of_both_layouts": observation.pytorch(both),
        "of_a_cut": observation.pytorch([image[:, :, 1:7, 1:7]]),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
