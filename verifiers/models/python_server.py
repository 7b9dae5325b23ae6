"""TensorFlow's model behind a plain Python server: python_server.py '{"saved": FOLDER, "http": PORT}'.

What a team runs that has no TensorFlow Serving, and never taken for it. One process; every request is
answered by itself, by one thread of TensorFlow.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

Answer = Callable[[np.ndarray], np.ndarray]


def loaded(saved: str) -> Answer:
    """Return the function from images of any shape, float32, to logits (images, 10)."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = tf.saved_model.load(f"{saved}/1")
    serve = model.signatures["serving_default"]
    shape = serve.structured_input_signature[1]["images"].shape[1:]

    def answer(images: np.ndarray) -> np.ndarray:
        return serve(images=tf.constant(images.reshape(-1, *shape)))["logits"].numpy()

    answer.model = model  # type: ignore[attr-defined]  # its variables go when it goes
    return answer


def application(answer: Answer) -> Any:
    """Return the ASGI application that answers one float32 image, given as raw bytes or as JSON."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def predict(request: Request) -> Response:
        body = await request.body()
        if request.headers["content-type"] != "application/json":
            logits = await run_in_threadpool(answer, np.frombuffer(body, np.float32))
            return Response(logits.tobytes())
        logits = await run_in_threadpool(answer, np.float32(json.loads(body)["instances"]))
        return JSONResponse({"predictions": logits.tolist()})

    return Starlette(routes=[Route("/predict", predict, methods=["POST"])])


if __name__ == "__main__":
    import uvicorn

    told = json.loads(sys.argv[1])
    uvicorn.run(application(loaded(told["saved"])), host="127.0.0.1", port=told["http"], log_level="warning")
