"""TensorFlow's model behind a plain Python server, which takes requests over HTTP and over gRPC.

    python_server.py '{"saved": FOLDER, "http": PORT, "grpc": PORT}'

What a team runs that has no TensorFlow Serving, and never taken for it, though over gRPC it understands the
same messages (tensorflow_serving/apis/predict.proto). One process: an event loop takes the requests of both
protocols, and one thread asks the model for one request at a time, which TensorFlow computes on one thread.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import wire

Answer = Callable[[np.ndarray], np.ndarray]
Answering = Callable[[np.ndarray], Awaitable[np.ndarray]]
SERVICE = "tensorflow.serving.PredictionService"
INPUTS, OUTPUTS = 2, 1
"""Of a PredictRequest and of a PredictResponse: maps from KEY, a name, to VALUE, a TensorProto."""
KEY, VALUE = 1, 2


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


def one_at_a_time(answer: Answer) -> Answering:
    """Return the function to await for an answer, whichever protocol the request came by."""
    thread = ThreadPoolExecutor(max_workers=1)

    async def answered(images: np.ndarray) -> np.ndarray:
        return await asyncio.get_running_loop().run_in_executor(thread, answer, images)

    return answered


def over_http(answer: Answering) -> Any:
    """Return the ASGI application that answers a float32 image, given as raw bytes or as JSON."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def predict(request: Request) -> Response:
        body = await request.body()
        if request.headers["content-type"] != "application/json":
            logits = await answer(np.frombuffer(body, np.float32))
            return Response(logits.tobytes())
        logits = await answer(np.float32(json.loads(body)["instances"]))
        return JSONResponse({"predictions": logits.tolist()})

    return Starlette(routes=[Route("/predict", predict, methods=["POST"])])


def over_grpc(answer: Answering, port: int) -> Any:
    """Return the server that answers a PredictRequest, whose one input is a float32 image, on this port."""
    import grpc

    async def predict(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        (given,) = (wire.first(named, VALUE) for number, named in wire.fields(request) if number == INPUTS)
        logits = await answer(wire.floats(given))
        return wire.field(OUTPUTS, wire.field(KEY, "logits") + wire.field(VALUE, wire.tensor(logits)))

    server = grpc.aio.server()
    predicts = {"Predict": grpc.unary_unary_rpc_method_handler(predict)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, predicts),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    return server


async def main(saved: str, http: int, grpc: int) -> None:
    """Serve for ever; HTTP last, so that whoever is answered there finds gRPC open too."""
    import uvicorn

    answer = one_at_a_time(loaded(saved))
    held = over_grpc(answer, grpc)  # it ends when nobody holds it
    await held.start()
    told = uvicorn.Config(over_http(answer), host="127.0.0.1", port=http, log_level="warning")
    await uvicorn.Server(told).serve()


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
