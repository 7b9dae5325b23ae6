# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "captum"]
# ///
"""Whether Captum's attributions and layer conductance have the values that their definitions give."""

import importlib.util
from importlib.metadata import version
from typing import Any

import numpy as np

from kb.verifier import Array, Unavailable, probes

PINS = {"torch": "2.13.0", "captum": "0.9.0"}
INPUTS, HIDDEN = 6, 8
STEPS = 500
"""Steps of the path; ten times Captum's default, since a sum places ReLU's kinks to within a step."""
ERROR_LENGTH = 500
NO_MEMORY = "not enough memory"


@probes(
    fields=(
        "captum_version",
        "torch_version",
        "failures",
        "linear_attribution_error",
        "linear_conductance_error",
        "relu_attribution_error",
        "relu_conductance_error",
        "relu_attribution_incompleteness",
        "relu_conductance_incompleteness",
        "linear_conductance_error_at_default_steps",
    )
)
def captum_attribution() -> dict[str, Any]:
    """Attribute the output of a network with one hidden layer, linear and with ReLU, to inputs and to units.

    Returns
    -------
    dict
        Errors are the largest magnitude of the difference from the closed form, over the closed form's
        largest magnitude; incompleteness is how far the attributions' sum is from the change of the output
        between baseline and input, over the sum of their magnitudes. All are None where Captum raised, and
        `failures` says under the network's name what it raised.

    Raises
    ------
    Unavailable
        Where PyTorch or Captum is not installed.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package}=={pin}"
            raise Unavailable(message)
    failures: dict[str, str] = {}
    errors: dict[str, Any] = {}
    for name in ("linear", "relu"):
        try:
            errors[name] = _errors(name)
        except (MemoryError, OSError):  # the machine's fault, not Captum's
            raise
        except Exception as error:
            if NO_MEMORY in str(error):
                raise
            failures[name] = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
    linear, relu = (errors.get(name, {}) for name in ("linear", "relu"))
    return {
        "captum_version": version("captum"),
        "torch_version": version("torch"),
        "failures": failures,
        "linear_attribution_error": linear.get("attribution"),
        "linear_conductance_error": linear.get("conductance"),
        "relu_attribution_error": relu.get("attribution"),
        "relu_conductance_error": relu.get("conductance"),
        "relu_attribution_incompleteness": relu.get("attribution_incompleteness"),
        "relu_conductance_incompleteness": relu.get("conductance_incompleteness"),
        "linear_conductance_error_at_default_steps": linear.get("conductance_at_default_steps"),
    }


def _errors(activation: str) -> dict[str, float]:
    """Compare what Captum gives for one network and one input with the closed form."""
    random = np.random.default_rng(0)
    first, bias = random.normal(size=(HIDDEN, INPUTS)), random.normal(size=HIDDEN)
    second = random.normal(size=HIDDEN)
    baseline, images = random.normal(size=INPUTS), random.normal(size=INPUTS)
    network, units = _network(first, bias, second, activation)
    found = _captum(network, units, baseline, images, {"n_steps": STEPS})
    default = _captum(network, units, baseline, images, {})
    attribution, conductance = _closed_form(first, bias, second, baseline, images, activation)
    change = conductance.sum()
    return {
        "attribution": _relative(found["attribution"] - attribution, attribution),
        "conductance": _relative(found["conductance"] - conductance, conductance),
        "conductance_at_default_steps": _relative(default["conductance"] - conductance, conductance),
        "attribution_incompleteness": _incompleteness(found["attribution"], change),
        "conductance_incompleteness": _incompleteness(found["conductance"], change),
    }


def _network(first: Array, bias: Array, second: Array, activation: str) -> tuple[Any, Any]:
    """Return a network with these weights, and the layer of its hidden units."""
    import torch

    hidden = torch.nn.Linear(INPUTS, HIDDEN)
    units = torch.nn.ReLU() if activation == "relu" else torch.nn.Identity()
    output = torch.nn.Linear(HIDDEN, 1, bias=False)
    with torch.no_grad():
        hidden.weight.copy_(torch.from_numpy(first))
        hidden.bias.copy_(torch.from_numpy(bias))
        output.weight.copy_(torch.from_numpy(second[None]))
    return torch.nn.Sequential(hidden, units, output), units


def _captum(
    network: Any, units: Any, baseline: Array, images: Array, steps: dict[str, int]
) -> dict[str, Array]:
    import torch
    from captum.attr import IntegratedGradients, LayerConductance

    start, end = (torch.tensor(array[None], dtype=torch.float32) for array in (baseline, images))
    attributions = {
        "attribution": IntegratedGradients(network).attribute(end, start, target=0, **steps),
        "conductance": LayerConductance(network, units).attribute(end, start, target=0, **steps),
    }
    return {name: tensor.detach().double().numpy()[0] for name, tensor in attributions.items()}


def _closed_form(
    first: Array, bias: Array, second: Array, baseline: Array, images: Array, activation: str
) -> tuple[Array, Array]:
    """Return integrated gradients of the inputs and conductance of the units, exact.

    Along the straight path each unit's input is linear in the path's parameter, so that ReLU is open on one
    interval of it (Sundararajan et al. 2017, eq. 1; Dhamdhere et al. 2018, eq. 2).
    """
    start, end = first @ baseline + bias, first @ images + bias
    if activation == "relu":
        opened = np.maximum(end, 0) - np.maximum(start, 0)
        share = opened / (end - start)
    else:
        opened, share = end - start, np.ones(HIDDEN)
    return (images - baseline) * ((second * share) @ first), second * opened


def _relative(difference: Array, reference: Array) -> float:
    return float(np.abs(difference).max() / np.abs(reference).max())


def _incompleteness(attributions: Array, change: float) -> float:
    return float(abs(attributions.sum() - change) / np.abs(attributions).sum())
