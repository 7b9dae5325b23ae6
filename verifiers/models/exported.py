"""Models taken out of their framework's eager form, as they are for deployment."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any

from kb.verifier import Array, Cell, Unavailable
from models.settings import lacking

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "rocm": "ROCMExecutionProvider"}
INSTALL = {"onnx": "onnx==1.23.2", "onnxscript": "onnxscript==0.7.2", "onnxruntime": "onnxruntime==1.31.1"}


def onnx(torch: Any, model: Any, images: Any) -> bytes:
    """Return the model as ONNX, by the exporter that is PyTorch's default, for batches of any size.

    Raises
    ------
    Unavailable
        Without the packages that the exporter needs, or before PyTorch 2.5, which brought it.
    """
    if "dynamo" not in inspect.signature(torch.onnx.export).parameters:
        message = f"PyTorch {torch.__version__} cannot export to ONNX by torch.export, as 2.5 and later can"
        raise Unavailable(message)
    for package in ("onnx", "onnxscript"):
        _needed(package)
    program = torch.onnx.export(
        model,
        (_two(images),),
        dynamo=True,
        verbose=False,
        dynamic_shapes=_any_batch(torch),
        input_names=["images"],
    )
    found: bytes = program.model_proto.SerializeToString()
    return found


def program(torch: Any, model: Any, images: Any) -> Any:
    """Return the module that `torch.export` makes of the model, for batches of any size.

    Raises
    ------
    Unavailable
        Before PyTorch 2.2, whose `torch.export` first can leave a size open by `Dim`.
    """
    if not hasattr(getattr(torch, "export", None), "Dim"):
        message = f"PyTorch {torch.__version__} cannot export for batches of any size, as 2.2 and later can"
        raise Unavailable(message)
    return torch.export.export(model, (_two(images),), dynamic_shapes=_any_batch(torch)).module()


def _two(images: Any) -> Any:
    """Return a batch of two; an example of one would be taken for a model of one."""
    return images[:1].repeat(2, 1, 1, 1)


def _any_batch(torch: Any) -> tuple[dict[int, Any]]:
    return ({0: torch.export.Dim("batch")},)


def session(cell: Cell, model: bytes) -> Any:
    """Return ONNX Runtime's session on the cell's device and threads, all graph optimisations on.

    Raises
    ------
    Unavailable
        Without ONNX Runtime, or without its provider for the device.
    """
    runtime = _needed("onnxruntime")
    provider = PROVIDERS.get(cell.device)
    if provider not in runtime.get_available_providers():
        message = (
            f"needs ONNX Runtime's provider for {cell.device}; found {runtime.get_available_providers()}"
        )
        raise Unavailable(message)
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = cell.threads, 1
    # Threads that spin between calls would take the cores of the arm that is measured next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(model, options, providers=[provider])


def observed(session: Any) -> dict[str, Any]:
    """Return what is in force in a session of ONNX Runtime, under the names that all arms use."""
    options = session.get_session_options()
    (provider, *_) = session.get_providers()
    device = next(device for device, name in PROVIDERS.items() if name == provider)
    (described,) = session.get_inputs()
    return {
        "runtime": f"onnxruntime {importlib.import_module('onnxruntime').__version__}",
        "threads": options.intra_op_num_threads,
        "interop_threads": options.inter_op_num_threads,
        "device": device,
        "dtype": {"tensor(float)": "float32"}.get(described.type, described.type),
        "graph_optimization": options.graph_optimization_level.name,
    }


def frozen(model: Any, images: Any) -> Callable[[Any], Any]:
    """Return a Keras model as one TensorFlow graph whose variables have become constants.

    Parameters
    ----------
    model : keras.Model
        The model, in evaluation mode from here on.
    images : tf.Tensor
        A tensor as the graph will be called with; its batch may differ.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    shape = tf.TensorSpec([None, *images.shape[1:]], images.dtype)
    function = tf.function(lambda batch: model(batch, training=False)).get_concrete_function(shape)
    graph = convert_variables_to_constants_v2(function)
    return lambda batch: graph(batch)[0]


def on_host(images: Any) -> Array:
    """Return PyTorch images as the array that a runtime outside PyTorch takes."""
    array: Array = images.cpu().numpy()
    return array


def _needed(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise Unavailable(lacking(package, INSTALL[package])) from error
