# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "psutil", "torch", "tensorflow", "grpcio", "starlette", "uvicorn"]
#
# [tool.kb.environments]
# torchserve = [
#     "torch==2.13.0", "torchserve==0.12.0", "torch-model-archiver==0.12.0",
#     "captum", "pyyaml", "setuptools<81",
# ]
# ///
"""Time in which a served model answers a number of requests, or in which a stated rate would."""

from kb.verifier import Cell, Step, measures
from models import serving

REQUESTS = 50


@measures(
    arms=("torchserve/default", "tfserving/default", "python/plain", "stated/35000", "stated/50000"),
    min_steps=1,
    warm_steps=4,
    rtol=1e-4,
)
def serving_throughput(cell: Cell) -> Step:
    """Return 50 requests of one image to `cell.model` (null, mlp, resnet50), `cell.clients` at a time.

    `cell.protocol` is grpc, rest-binary or rest-json; `cell.batch` how many requests the server may answer at
    once. TorchServe has as many workers, of one thread each, as the cell has threads; `python/plain` is
    TensorFlow's model behind a plain Python server, which computes one request at a time in any cell.
    """
    if cell.framework == "stated":
        return serving.stated(cell, REQUESTS)
    return serving.step(cell, REQUESTS)
