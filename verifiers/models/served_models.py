"""The models that are served, in the forms that servers load, and the image that every request carries."""

import importlib
import io
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from kb.verifier import Array, Arrays, Cell
from models import conversion, settings
from models.architecture import Architecture, drawn, named

NULL = "null"
"""A model that computes nothing: it gives back the first numbers of what it was sent."""
ANSWERS = 10


def image(cell: Cell, framework: str) -> Array:
    """Return the image as the framework's model takes it, float32; the null model's is the same for all."""
    _, _, pixels = _drawn(cell)
    turned = framework == "pytorch" and cell.model != NULL
    return np.ascontiguousarray(pixels[0].transpose(2, 0, 1) if turned else pixels[0])


def answer(cell: Cell) -> Array:
    """Return what the model itself answers, computed by PyTorch."""
    if cell.model == NULL:
        return image(cell, "pytorch").ravel()[:ANSWERS]
    torch = settings.pytorch(_plain(cell, "pytorch/eager"))
    with torch.inference_mode():
        found: Array = _pytorch(cell)(torch.from_numpy(image(cell, "pytorch"))[None])[0].numpy()
    return found


def torchscript(cell: Cell) -> bytes:
    """Return the model as TorchScript, as `torch.jit.save` writes it."""
    torch = settings.pytorch(_plain(cell, "pytorch/eager"))
    model = _pytorch(cell)
    found = torch.jit.freeze(torch.jit.script(model)) if cell.model != NULL else torch.jit.script(model)
    stream = io.BytesIO()
    torch.jit.save(found, stream)
    return stream.getvalue()


def saved_model(cell: Cell, ending: ExitStack) -> Path:
    """Write the model as version 1 of a SavedModel and return its folder, which goes when `ending` does."""
    tf = settings.tensorflow(_plain(cell, "tensorflow/function"))
    architecture, weights, _ = _drawn(cell)
    module = tf.Module()
    if cell.model != NULL:
        module.model = architecture.tensorflow()
        conversion.load_keras(module.model, weights)
    shape = tf.TensorSpec([None, *architecture.IMAGE], tf.float32, name="images")

    @tf.function(input_signature=[shape], autograph=False)
    def serve(images: Any) -> dict[str, Any]:
        if cell.model == NULL:
            return {"logits": tf.reshape(images, [tf.shape(images)[0], -1])[:, :ANSWERS]}
        return {"logits": module.model(images, training=False)}

    folder = Path(ending.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
    tf.saved_model.save(module, str(folder / "1"), signatures={"serving_default": serve})
    return folder


def _pytorch(cell: Cell) -> Any:
    if cell.model == NULL:
        return importlib.import_module("models.null_torch").First()
    architecture, weights, _ = _drawn(cell)
    model = architecture.pytorch().eval()
    conversion.load_torch(model, weights)
    return model


def _drawn(cell: Cell) -> tuple[Architecture, Arrays, Array]:
    architecture = named("mlp" if cell.model == NULL else cell.model)
    weights, pixels, _ = drawn(architecture, cell, 1)
    return architecture, weights, pixels


def _plain(cell: Cell, arm: str) -> Cell:
    """Return the cell of one thread in which a framework makes a model."""
    return Cell(arm, cell.settings, 1, "cpu", cell.seed)
