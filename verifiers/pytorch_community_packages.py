# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "torch", "transformers", "torch-geometric"]
# ///
"""Whether a tiny Transformers model and a PyTorch Geometric layer compute and learn with this PyTorch."""

import importlib.util
import os
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from kb.verifier import Array, Unavailable, probes

PINS = {"torch": "2.13.0", "transformers": "5.23.0", "torch_geometric": "2.8.1"}
TOKENS, WIDTH, HEADS, LENGTH = 32, 16, 2, 8
NODES, FEATURES, CLASSES = 10, 5, 3
RATE = 0.1
ERROR_LENGTH = 500
NO_MEMORY = "not enough memory"


@probes(
    fields=(
        "torch_version",
        "transformers_version",
        "torch_geometric_version",
        "worked",
        "failures",
        "largest_difference",
        "losses_before",
        "losses_after",
        "loss_fell_in",
    )
)
def pytorch_community_packages() -> dict[str, Any]:
    """Run a GPT-2 of one layer made from a configuration, and a graph convolution; train each for one step.

    Returns
    -------
    dict
        `worked` are the packages that ran, `failures` what each other raised. `largest_difference` is, over
        those that ran, the largest magnitude by which the output before training differs from a dense
        computation in NumPy, over the largest magnitude of the output; None where none ran.

    Raises
    ------
    Unavailable
        Where a package is not installed.
    """
    for package, pin in PINS.items():
        if importlib.util.find_spec(package) is None:
            message = f"needs {package}; install it with: pip install {package.replace('_', '-')}=={pin}"
            raise Unavailable(message)
    os.environ["HF_HUB_OFFLINE"] = "1"
    works: dict[str, Callable[[], tuple[float, float, float]]] = {
        "transformers": _language_model,
        "torch_geometric": _graph_layer,
    }
    ran: dict[str, tuple[float, float, float]] = {}
    failures: dict[str, str] = {}
    for name, work in works.items():
        try:
            ran[name] = work()
        except (MemoryError, OSError):  # the machine's fault, not the package's
            raise
        except Exception as error:
            if NO_MEMORY in str(error):
                raise
            failures[name] = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
    return {
        "torch_version": version("torch"),
        "transformers_version": version("transformers"),
        "torch_geometric_version": version("torch_geometric"),
        "worked": list(ran),
        "failures": failures,
        "largest_difference": max((difference for difference, _, _ in ran.values()), default=None),
        "losses_before": {name: before for name, (_, before, _) in ran.items()},
        "losses_after": {name: after for name, (_, _, after) in ran.items()},
        "loss_fell_in": [name for name, (_, before, after) in ran.items() if after < before],
    }


def _language_model() -> tuple[float, float, float]:
    """Return the difference of logits from NumPy's, and the loss before and after one step."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=TOKENS, n_positions=LENGTH, n_embd=WIDTH, n_layer=1, n_head=HEADS, bos_token_id=0,
        eos_token_id=0, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, initializer_range=0.3,
    )  # fmt: skip
    model = GPT2LMHeadModel(config)
    tokens = torch.randint(0, TOKENS, (4, LENGTH))
    weights = {name: each.detach().double().numpy() for name, each in model.named_parameters()}
    expected = np.stack([_gpt2(weights, sequence) for sequence in tokens.numpy()])
    with torch.no_grad():
        difference = _relative(model(input_ids=tokens).logits.double().numpy(), expected)
    before, after = _one_step(model, lambda: model(input_ids=tokens, labels=tokens).loss)
    return difference, before, after


def _gpt2(weights: dict[str, Array], tokens: Array) -> Array:
    """Return the logits (length, tokens) of one sequence (Radford et al. 2019) from a model's weights."""

    def linear(name: str, values: Array) -> Array:
        return values @ weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def normed(name: str, values: Array) -> Array:
        centred = values - values.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def attended(query: Array, key: Array, value: Array) -> Array:
        scores = query @ key.T / np.sqrt(WIDTH / HEADS)
        powers = np.where(np.tri(len(tokens), dtype=bool), np.exp(scores), 0.0)
        return powers / powers.sum(-1, keepdims=True) @ value

    block = "transformer.h.0"
    states = weights["transformer.wte.weight"][tokens] + weights["transformer.wpe.weight"][: len(tokens)]
    parts = np.split(linear(f"{block}.attn.c_attn", normed(f"{block}.ln_1", states)), 3, axis=-1)
    heads = zip(*(np.split(part, HEADS, axis=-1) for part in parts), strict=True)
    mixed = np.concatenate([attended(*head) for head in heads], axis=-1)
    states = states + linear(f"{block}.attn.c_proj", mixed)
    inner = linear(f"{block}.mlp.c_fc", normed(f"{block}.ln_2", states))
    gelu = 0.5 * inner * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
    states = states + linear(f"{block}.mlp.c_proj", gelu)
    return normed("transformer.ln_f", states) @ weights["transformer.wte.weight"].T


def _graph_layer() -> tuple[float, float, float]:
    """Return the difference of a layer's output from NumPy's, and the loss before and after one step."""
    import torch
    from torch_geometric.nn import GCNConv

    torch.manual_seed(0)
    ring = torch.arange(NODES)
    edges = torch.stack([ring, (ring + 1) % NODES])
    edges = torch.cat([edges, edges.flip(0), torch.tensor([[0, 5], [5, 0]])], dim=1)
    features, labels = torch.randn(NODES, FEATURES), ring % CLASSES
    layer = GCNConv(FEATURES, CLASSES)
    with torch.no_grad():
        layer.bias.copy_(torch.randn(CLASSES))
        output = layer(features, edges).double().numpy()
    weights = (each.detach().double().numpy() for each in (layer.lin.weight, layer.bias))
    expected = _convolved(features.double().numpy(), edges.numpy(), *weights)
    before, after = _one_step(
        layer, lambda: torch.nn.functional.cross_entropy(layer(features, edges), labels)
    )
    return _relative(output, expected), before, after


def _convolved(features: Array, edges: Array, weight: Array, bias: Array) -> Array:
    """Return D^(-1/2) (A + I) D^(-1/2) X W + b (Kipf and Welling 2017, eq. 2), with dense matrices."""
    adjacency = np.eye(NODES)
    adjacency[edges[1], edges[0]] = 1
    root = adjacency.sum(1) ** -0.5
    return (root[:, None] * adjacency * root) @ features @ weight.T + bias


def _one_step(model: Any, loss: Callable[[], Any]) -> tuple[float, float]:
    import torch

    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    before = loss()
    before.backward()
    optimizer.step()
    with torch.no_grad():
        return float(before), float(loss())


def _relative(found: Array, expected: Array) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())
