"""A real run of one verifier in which an arm stands against itself: it must not come out as different."""

from dataclasses import replace

from kb.effects import block_values
from kb.library import load_library
from kb.plan import make_plan
from kb.root import find_root
from kb.runner import measure
from kb.verdict import judge
from kb.words import Budget

CLAIM = "cnn-inference-pytorch-25pct-faster"
ARMS = ("pytorch/inference-mode", "tensorflow/keras-predict")
RUNS = 3


def main() -> None:
    """Run each arm against itself a few times and print what the rule says of the direction."""
    library = load_library(find_root())
    record = library.record(CLAIM)
    for arm in ARMS:
        for seed in range(RUNS):
            fixed = make_plan(CLAIM, record.claim, Budget.QUICK, 2, "cpu", seed)
            measured = measure(replace(fixed, pairs=[[arm, arm]]), library.verifier_path(record.claim.verifier), _silent)
            judgement = judge(measured.plan, measured.samples)
            values = block_values(measured.plan, measured.samples)[0, 0]
            spread = max(values) - min(values)
            print(
                f"{arm} against itself: ratio {judgement.estimate} {judgement.interval}, {judgement.blocks} blocks, "
                f"direction {judgement.direction.verdict} {judgement.direction.tag}, spread of blocks {spread:.3f}"
            )


def _silent(event: dict) -> None:
    """Show nothing."""


if __name__ == "__main__":
    main()
