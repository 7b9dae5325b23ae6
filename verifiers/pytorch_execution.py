# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch"]
# ///
"""Whether PyTorch runs operations at once and differentiates Python branches that depend on the data."""

from collections import Counter
from typing import Any

from kb.verifier import Unavailable, probes

# With both weights at 1: a positive sum and no halving, a positive sum and one, a negative sum and three.
INPUTS = ([0.5, 0.25], [1.5, 0.5], [-6.0, 1.0])
EPOCHS = 20


@probes(
    fields=(
        "value_at_once",
        "python_runs_per_call",
        "branches_taken",
        "gradients_follow_branch",
        "loss_first",
        "loss_last",
        "loss_fell",
        "torch_version",
    )
)
def pytorch_execution() -> dict[str, Any]:
    """Run, differentiate and train a module whose `if` and `while` depend on the data.

    Returns
    -------
    dict
        `value_at_once` is true where a sum's number can be read directly after it. `python_runs_per_call`
        is how often the Python body of `forward` ran in three calls on three inputs. `branches_taken` counts
        the branches and the trips of the loop. `gradients_follow_branch` is true where, for each input, both
        parameters' gradients equal the closed form of the branch that this input selects. `loss_first` and
        `loss_last` are mean squared errors over 32 samples, before and after 20 passes of gradient descent.

    Raises
    ------
    Unavailable
        Where PyTorch is not installed.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        message = "needs torch; install it with: pip install torch==2.13.0"
        raise Unavailable(message) from error
    taken: Counter[str] = Counter()
    model = _branching(torch, taken)
    follows = [_gradients(torch, model, values) == _closed_form(values) for values in INPUTS]
    observed = dict(taken)
    first, last = _train(torch)
    return {
        "value_at_once": (torch.tensor(2.0) + torch.tensor(3.0)).item() == 5.0,
        "python_runs_per_call": observed.pop("calls", 0),
        "branches_taken": observed,
        "gradients_follow_branch": all(follows),
        "loss_first": first,
        "loss_last": last,
        "loss_fell": last < first,
        "torch_version": torch.__version__,
    }


def _branching(torch: Any, taken: Counter[str], up: float = 1.0, down: float = 1.0) -> Any:
    """Return a module that scales by one of two weights, then halves until no magnitude exceeds 1."""

    class Branching(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.up = torch.nn.Parameter(torch.tensor(up))
            self.down = torch.nn.Parameter(torch.tensor(down))

        def forward(self, values: Any) -> Any:
            taken["calls"] += 1
            if values.sum() > 0:
                taken["positive sum"] += 1
                scaled = self.up * values
            else:
                taken["negative sum"] += 1
                scaled = -self.down * values
            halvings = 0
            while scaled.abs().max() > 1:
                halvings += 1
                scaled = scaled / 2
            taken[f"{halvings} halvings"] += 1
            return scaled

    return Branching()


def _gradients(torch: Any, model: Any, values: list[float]) -> tuple[float, float]:
    model.zero_grad()
    model(torch.tensor(values)).sum().backward()
    up, down = (0.0 if weight.grad is None else weight.grad.item() for weight in (model.up, model.down))
    return up, down


def _closed_form(values: list[float]) -> tuple[float, float]:
    """Return the sum's derivatives by `up` and `down`, both weights 1: +-sum(values) / 2 ** halvings."""
    halvings = 0
    while max(map(abs, values)) / 2**halvings > 1:
        halvings += 1
    slope = sum(values) / 2**halvings
    return (slope, 0.0) if sum(values) > 0 else (0.0, -slope)


def _train(torch: Any) -> tuple[float, float]:
    """Fit the module to another with weights 0.5 and 0.25; return the loss before and after."""
    samples = torch.rand(32, 2, generator=torch.Generator().manual_seed(0)) * 4 - 2
    teacher = _branching(torch, Counter(), up=0.5, down=0.25)
    student = _branching(torch, Counter())
    optimiser = torch.optim.SGD(student.parameters(), lr=0.05)
    with torch.no_grad():
        targets = [teacher(sample) for sample in samples]

    def error(sample: Any, target: Any) -> Any:
        return torch.nn.functional.mse_loss(student(sample), target)

    def mean_error() -> float:
        with torch.no_grad():
            errors = [float(error(*pair)) for pair in zip(samples, targets, strict=True)]
        return sum(errors) / len(errors)

    first = mean_error()
    for _ in range(EPOCHS):
        for sample, target in zip(samples, targets, strict=True):
            optimiser.zero_grad()
            error(sample, target).backward()
            optimiser.step()
    return first, mean_error()
