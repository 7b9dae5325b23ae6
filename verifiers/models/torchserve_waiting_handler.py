"""What TorchServe's workers run where their number is in question: each request waits before it is answered.

It lies in the model's archive beside `torchserve_handler.py`, `shape.json` and `waiting.json`, the seconds.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import torch
from torchserve_handler import Handler


class WaitingHandler(Handler):
    """Takes one float32 image a request as raw bytes, and answers logits, worker and time in JSON."""

    def initialize(self, context: Any) -> None:
        """Load the model and the seconds to wait."""
        super().initialize(context)
        folder = Path(context.system_properties["model_dir"])
        self.seconds = json.loads((folder / "waiting.json").read_text(encoding="utf-8"))

    def inference(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits, after the wait."""
        self.began = time.monotonic()
        time.sleep(self.seconds)
        logits: torch.Tensor = super().inference(images)
        self.ended = time.monotonic()
        return logits

    def postprocess(self, logits: torch.Tensor) -> list[dict[str, Any]]:
        """Return an answer for each request; its times are of the machine's one monotonic clock."""
        told = {"began": self.began, "ended": self.ended, "worker": os.getpid(), "torch": torch.__version__}
        return [{"logits": row.tolist(), **told} for row in logits.numpy()]
