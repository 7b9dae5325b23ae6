"""TensorRT with a file of ONNX, through its own Python API; written from its documentation, and not run here.

https://docs.nvidia.com/deeplearning/tensorrt/10.16.1/api/tensorrt-8x-to-10x-python-api.html
"""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kb.verifier import Array

LARGEST_BATCH = 64


def lacks() -> tuple[str, str] | None:
    """Return what TensorRT lacks here, and what kind of thing that is; None if nothing."""
    import torch

    if not torch.cuda.is_available():
        return "needs an NVIDIA GPU, and PyTorch with CUDA on it, for TensorRT (--device cuda)", "no-hardware"
    if importlib.util.find_spec("tensorrt") is None:
        return "needs TensorRT; install it with: pip install tensorrt", "no-software"
    return None


def load(path: Path) -> Callable[[Sequence[Array]], Sequence[Array]]:
    """Build an engine in float32 for batches of any size up to 64, and return the call that runs it.

    Raises
    ------
    RuntimeError
        Where the parser or the builder refuses the model.
    """
    import tensorrt

    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    builder = tensorrt.Builder(logger)
    network = builder.create_network(0)
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(path)):
        message = "; ".join(str(parser.get_error(place)) for place in range(parser.num_errors))
        raise RuntimeError(message)
    plan = builder.build_serialized_network(network, _settings(tensorrt, builder, network))
    if plan is None:
        message = "TensorRT built no engine"
        raise RuntimeError(message)
    engine = tensorrt.Runtime(logger).deserialize_cuda_engine(plan)
    return lambda inputs: _run(tensorrt, engine, inputs)


def _settings(tensorrt: Any, builder: Any, network: Any) -> Any:
    """Return float32 without TF32, and the sizes that an unknown batch may have."""
    settings, profile = builder.create_builder_config(), builder.create_optimization_profile()
    settings.clear_flag(tensorrt.BuilderFlag.TF32)
    for place in range(network.num_inputs):
        given = network.get_input(place)
        sizes = [
            tuple(batch if size < 0 else size for size in given.shape) for batch in (1, 2, LARGEST_BATCH)
        ]
        profile.set_shape(given.name, *sizes)
    settings.add_optimization_profile(profile)
    return settings


def _run(tensorrt: Any, engine: Any, inputs: Sequence[Array]) -> list[Array]:
    import torch

    context = engine.create_execution_context()
    names = [engine.get_tensor_name(place) for place in range(engine.num_io_tensors)]
    taken = [name for name in names if engine.get_tensor_mode(name) == tensorrt.TensorIOMode.INPUT]
    given = {
        name: torch.from_numpy(array).cuda().contiguous() for name, array in zip(taken, inputs, strict=True)
    }
    for name, tensor in given.items():
        context.set_input_shape(name, tuple(tensor.shape))
    outputs = {
        name: torch.empty(tuple(context.get_tensor_shape(name)), device="cuda")
        for name in names
        if name not in given
    }
    for name, tensor in {**given, **outputs}.items():
        context.set_tensor_address(name, tensor.data_ptr())
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    if not context.execute_async_v3(stream.cuda_stream):
        message = "TensorRT did not run the engine"
        raise RuntimeError(message)
    stream.synchronize()
    return [tensor.cpu().numpy() for tensor in outputs.values()]
