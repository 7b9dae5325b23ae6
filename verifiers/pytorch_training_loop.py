# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch"]
# ///
"""Whether changes inside a running PyTorch training loop take effect on the very next step."""

from typing import Any

import numpy as np

from kb.verifier import Unavailable, probes

ROWS, FEATURES = 16, 3
PARTS = ("body", "head")
RATE, OTHER_RATE, ADAM_RATE, EPSILON = 0.1, 0.02, 0.05, 1e-8
EDIT = 3.0
CHANGES = (
    "none",
    "skipped step",
    "edited gradient",
    "frozen layer",
    "thawed layer",
    "learning rate",
    "optimiser",
)
"""What each step of the loop changes, in order."""

Weights = dict[str, Any]


@probes(fields=("steps", "largest_error", "smallest_effect", "loss_first", "loss_last", "torch_version"))
def pytorch_training_loop() -> dict[str, Any]:
    """Train a linear model in one loop that is changed while it runs, and predict every step in NumPy.

    The loss of the prediction `p = inputs @ (body + head)` is `mean((p - targets)**2)`, so that the gradient
    by either layer is `2 * inputs.T @ (p - targets) / 16`; all is float64.

    Returns
    -------
    dict
        `steps` has for each change the `error`, the largest difference of a weight after the step from the
        closed form of the changed step, from the weights before it; and the `effect`, how far that closed
        form lies from the step that would have come without the change (None for the unchanged step).
        `largest_error` is over all steps, `smallest_effect` over all changes.

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
    random = np.random.default_rng(0)
    inputs, targets = random.normal(size=(ROWS, FEATURES)), random.normal(size=ROWS)
    model = _model(torch, random)
    losses, passed = _train(torch, model, torch.from_numpy(inputs), torch.from_numpy(targets))
    steps = {
        change: _compared(change, before, after, inputs, targets)
        for change, (before, after) in zip(CHANGES, passed, strict=True)
    }
    return {
        "steps": steps,
        "largest_error": max(step["error"] for step in steps.values()),
        "smallest_effect": min(step["effect"] for change, step in steps.items() if change != "none"),
        "loss_first": losses[0],
        "loss_last": losses[-1],
        "torch_version": torch.__version__,
    }


def _model(torch: Any, random: np.random.Generator) -> Any:
    model = torch.nn.ModuleDict(
        {part: torch.nn.Linear(FEATURES, 1, bias=False, dtype=torch.float64) for part in PARTS}
    )
    with torch.no_grad():
        for part in PARTS:
            model[part].weight.copy_(torch.from_numpy(random.normal(size=(1, FEATURES))))
    return model


def _train(
    torch: Any, model: Any, inputs: Any, targets: Any
) -> tuple[list[float], list[tuple[Weights, Weights]]]:
    """Return the losses, and the weights before and after each step."""
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    losses, passed = [], []
    for change in CHANGES:
        before = _weights(model)
        if change == "frozen layer":
            model["body"].requires_grad_(False)
        if change == "thawed layer":
            model["body"].requires_grad_(True)
        if change == "learning rate":
            optimizer.param_groups[0]["lr"] = OTHER_RATE
        if change == "optimiser":
            optimizer = torch.optim.Adam(model.parameters(), ADAM_RATE, eps=EPSILON)
        optimizer.zero_grad()
        outputs = (model["body"](inputs) + model["head"](inputs)).squeeze(1)
        loss = ((outputs - targets) ** 2).mean()
        loss.backward()
        if change == "edited gradient":
            model["body"].weight.grad *= EDIT
        if change != "skipped step":
            optimizer.step()
        losses.append(loss.item())
        passed.append((before, _weights(model)))
    return losses, passed


def _weights(model: Any) -> Weights:
    return {part: model[part].weight.detach().numpy().ravel().copy() for part in PARTS}


def _compared(change: str, before: Weights, after: Weights, inputs: Any, targets: Any) -> dict[str, Any]:
    outputs = inputs @ (before["body"] + before["head"])
    gradient = 2 * inputs.T @ (outputs - targets) / ROWS
    expected = _step(change, before, gradient)
    error = max(float(np.abs(after[part] - expected[part]).max()) for part in PARTS)
    if change == "none":
        return {"error": error, "effect": None}
    # Without the change the loop would go on as it is: with the layer frozen, or at the other rate.
    going_on = {"thawed layer": "frozen layer", "optimiser": "learning rate"}.get(change, "none")
    unchanged = _step(going_on, before, gradient)
    effect = max(float(np.abs(unchanged[part] - expected[part]).max()) for part in PARTS)
    return {"error": error, "effect": effect}


def _step(change: str, before: Weights, gradient: Any) -> Weights:
    """Return the weights after a step, in closed form.

    Adam's is its first, of Kingma and Ba (2015), algorithm 1, where the bias-corrected moments are the
    gradient and its square.
    """
    plain = dict.fromkeys(PARTS, RATE * gradient)
    down = {
        "skipped step": dict.fromkeys(PARTS, 0 * gradient),
        "edited gradient": plain | {"body": EDIT * RATE * gradient},
        "frozen layer": plain | {"body": 0 * gradient},
        "learning rate": dict.fromkeys(PARTS, OTHER_RATE * gradient),
        "optimiser": {part: ADAM_RATE * gradient / (np.abs(gradient) + EPSILON) for part in PARTS},
    }.get(change, plain)
    return {part: before[part] - down[part] for part in PARTS}
