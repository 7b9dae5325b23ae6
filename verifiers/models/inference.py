"""The ways in which frameworks answer: one entry of `ARMS` each; adding one adds a mode.

Call-style arms take images that lie in the framework and on the device already; `predict` and
`predict_on_batch` take numpy arrays, because that is how they are called. All give the logits back in host
memory, as numpy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from kb.verifier import Array, Arrays, Cell, Step
from models import conversion, exported, observation, settings
from models.architecture import Architecture, drawn, flops


@dataclass(frozen=True)
class Answering:
    """One arm's way to the logits.

    Attributes
    ----------
    images : Any
        All images, where the arm wants them.
    forward : callable
        From images to logits, both the framework's.
    host : callable
        From the framework's logits to numpy.
    batches_itself : bool
        Whether `forward` takes all images and cuts them into batches itself.
    observed : callable
        Settings of this mode, read off the model and the tensors, never off what was asked for.
    """

    images: Any
    forward: Callable[[Any], Any]
    observed: Callable[[], Mapping[str, Any]]
    host: Callable[[Any], Array] = np.asarray
    batches_itself: bool = False


def latency(architecture: Architecture, cell: Cell) -> Step:
    """Return the step that answers one batch of `cell.batch` images, from framework to host memory."""
    answering = _answering(architecture, cell, cell.batch)
    images, forward, host = answering.images, answering.forward, answering.host
    return _step(architecture, cell, lambda: host(forward(images)), answering, cell.batch)


def split(architecture: Architecture, cell: Cell, images: int) -> Step:
    """Return the step that answers a whole test split of `images` by batches of `cell.batch`."""
    answering = _answering(architecture, cell, images)
    forward, host, size = answering.forward, answering.host, cell.batch
    if answering.batches_itself:
        return _step(architecture, cell, lambda: host(forward(answering.images)), answering, images)

    def answer() -> Array:
        parts = [forward(answering.images[first : first + size]) for first in range(0, images, size)]
        return np.concatenate([host(part) for part in parts])

    return _step(architecture, cell, answer, answering, images)


def _answering(architecture: Architecture, cell: Cell, images: int) -> Answering:
    weights, pixels, _ = drawn(architecture, cell, images)
    return _ARMS[cell.arm](architecture, cell, weights, pixels)


def _step(
    architecture: Architecture, cell: Cell, run: Callable[[], Array], answering: Answering, images: int
) -> Step:
    return Step(
        run=run,
        outputs=lambda: {"logits": run()},
        settings=lambda: {**settings.observed(cell), **answering.observed()},
        items=images,
        flops=flops(architecture, images, training=False),
    )


def _pytorch(architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array, mode: str) -> Answering:
    torch, device = settings.pytorch(cell), settings.place(cell)
    plain = architecture.pytorch()
    conversion.load_torch(plain, weights)
    layout = torch.channels_last if mode == "channels-last" else torch.contiguous_format
    plain = model = plain.to(device, memory_format=layout).eval()
    images = torch.from_numpy(pixels.transpose(0, 3, 1, 2))
    images = images.to(device, memory_format=layout, copy=True)
    if mode == "torchscript":
        model = torch.jit.optimize_for_inference(torch.jit.script(plain))  # which freezes it first
    elif mode == "export":
        model = exported.program(torch, plain, images)
    elif mode == "compile":
        model = settings.compiled(torch, cell, plain)
    without_gradients = torch.no_grad if mode in ("eager", "channels-last") else torch.inference_mode

    def forward(images: Any) -> Any:
        with without_gradients():
            return model(images)

    def observed() -> dict[str, Any]:
        return {
            **observation.pytorch([images, *plain.parameters()]),
            "training": plain.training,
            "model": type(model).__name__,
            "inference_mode": forward(images[: cell.batch]).is_inference(),
        }

    return Answering(images, forward, observed, lambda logits: logits.cpu().numpy())


def _onnxruntime(architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array) -> Answering:
    torch = settings.pytorch(cell)
    plain = architecture.pytorch().eval()
    conversion.load_torch(plain, weights)
    images = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
    session = exported.session(cell, exported.onnx(torch, plain, images))

    def forward(batch: Array) -> Array:
        return session.run(None, {"images": batch})[0]

    return Answering(exported.on_host(images), forward, lambda: exported.observed(session))


def _keras(architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array) -> tuple[Any, Any, Any]:
    tf = settings.tensorflow(cell)
    model = architecture.tensorflow()
    conversion.load_keras(model, weights)
    return tf, model, tf.constant(pixels)


def _predict(architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array) -> Answering:
    _, model, _ = _keras(architecture, cell, weights, pixels)
    predict = partial(model.predict, batch_size=cell.batch, verbose=0)
    return Answering(pixels, predict, partial(_observed_keras, model), batches_itself=True)


def _predict_on_batch(architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array) -> Answering:
    _, model, _ = _keras(architecture, cell, weights, pixels)
    return Answering(pixels, model.predict_on_batch, partial(_observed_keras, model))


def _observed_keras(model: Any) -> dict[str, Any]:
    return {**observation.tensorflow(model), "jit_compile": bool(model.jit_compile)}


def _call(architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array) -> Answering:
    _, model, images = _keras(architecture, cell, weights, pixels)
    observed = partial(observation.tensorflow, model, images)
    return Answering(images, partial(model, training=False), observed, _numpy)


def _frozen(architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array) -> Answering:
    _, model, images = _keras(architecture, cell, weights, pixels)
    observed = partial(observation.tensorflow, model, images)
    return Answering(images, exported.frozen(model, images), observed, _numpy)


def _function(architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array, xla: bool) -> Answering:
    tf, model, images = _keras(architecture, cell, weights, pixels)
    forward = tf.function(lambda batch: model(batch, training=False), jit_compile=xla or None)

    def observed() -> dict[str, Any]:
        compiled = observation.is_xla(forward, images[: cell.batch])
        return {**observation.tensorflow(model, images), "jit_compile": compiled}

    return Answering(images, forward, observed, _numpy)


def _jax(architecture: Architecture, cell: Cell, weights: Arrays, pixels: Array) -> Answering:
    jax = settings.jax(cell)
    own = {name: jax.numpy.asarray(value) for name, value in weights.items()}
    images = jax.numpy.asarray(pixels)
    forward = jax.jit(lambda weights, images: architecture.jax(weights, images, training=False)[0])
    return Answering(images, partial(forward, own), partial(observation.jax, [images, *own.values()]))


def _numpy(logits: Any) -> Array:
    return logits.numpy()


_ARMS: Mapping[str, Callable[[Architecture, Cell, Arrays, Array], Answering]] = {
    "pytorch/eager": partial(_pytorch, mode="eager"),
    "pytorch/channels-last": partial(_pytorch, mode="channels-last"),
    "pytorch/inference-mode": partial(_pytorch, mode="inference-mode"),
    "pytorch/torchscript": partial(_pytorch, mode="torchscript"),
    "pytorch/export": partial(_pytorch, mode="export"),
    "pytorch/onnxruntime": _onnxruntime,
    "pytorch/compile": partial(_pytorch, mode="compile"),
    "tensorflow/keras-predict": _predict,
    "tensorflow/keras-call": _call,
    "tensorflow/predict-on-batch": _predict_on_batch,
    "tensorflow/frozen": _frozen,
    "tensorflow/function": partial(_function, xla=False),
    "tensorflow/xla": partial(_function, xla=True),
    "jax/jit": _jax,
}
ARMS = tuple(_ARMS)
