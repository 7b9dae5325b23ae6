"""What TorchServe runs in its workers; it lies in the model's archive, beside `shape.json`.

Answers one float32 image a request: raw bytes get raw bytes back, JSON gets JSON.
"""

import json
from pathlib import Path
from typing import Any

import torch
from ts.torch_handler.base_handler import BaseHandler


class Handler(BaseHandler):
    """Takes images of the shape that the archive names."""

    def initialize(self, context: Any) -> None:
        """Load the model, to be run by one thread."""
        torch.set_num_threads(1)
        super().initialize(context)
        folder = Path(context.system_properties["model_dir"])
        self.shape = json.loads((folder / "shape.json").read_text(encoding="utf-8"))

    def preprocess(self, requests: list[dict[str, Any]]) -> torch.Tensor:
        """Return the images of all requests; REST names a request's content `body`, gRPC `data`."""
        bodies = [request.get("body") or request.get("data") for request in requests]
        self.raw = [isinstance(body, bytes | bytearray) for body in bodies]
        images = [
            torch.frombuffer(bytearray(body), dtype=torch.float32) if raw else torch.tensor(body["instances"])
            for body, raw in zip(bodies, self.raw, strict=True)
        ]
        return torch.stack([image.reshape(self.shape) for image in images])

    def inference(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        with torch.inference_mode():
            return self.model(images)

    def postprocess(self, logits: torch.Tensor) -> list[bytes | list[float]]:
        """Return an answer for each request, in the form in which it was asked."""
        rows = logits.numpy()
        return [row.tobytes() if raw else row.tolist() for row, raw in zip(rows, self.raw, strict=True)]
