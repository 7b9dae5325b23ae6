"""A real run of one verifier in which an arm stands against itself: it must not come out as different."""

from dataclasses import replace

from kb.library import load_library
from kb.plan import make_plan
from kb.root import find_root
from kb.runner import measure
from kb.verdict import judge
from kb.words import Budget

CLAIM = "cnn-inference-pytorch-25pct-faster"
ARMS = ("pytorch/inference-mode", "tensorflow/keras-predict")
RUNS = 1


def main() -> None:
    """Run each arm against itself a few times and print what the rule says of the direction."""
    library = load_library(find_root())
    record = library.record(CLAIM)
    verifier = library.verifier_path(record.claim.verifier)
    for arm in ARMS:
        for seed in range(RUNS):
            fixed = replace(make_plan(CLAIM, record.claim, Budget.QUICK, 2, "cpu", seed), pairs=[[arm, arm]])
            measured = measure(fixed, verifier, lambda event: None)
            judgement = judge(measured.plan, measured.samples)
            direction = f"{judgement.direction.verdict} {judgement.direction.tag}".strip()
            print(f"{arm} against itself: ratio {judgement.estimate}, 95% {judgement.interval}, ", end="")
            print(f"{judgement.blocks} blocks, direction {direction}", flush=True)


if __name__ == "__main__":
    main()
