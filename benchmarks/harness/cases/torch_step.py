"""Both arms under `torch.utils.benchmark.Timer`, one after the other, as its tutorial does; prints JSON."""

import json
import sys

from torch.utils.benchmark import Timer
from torch.utils.benchmark.utils.common import trim_sigfig
from work import REPETITIONS, configured, step_of


def main(method: str, seconds: float) -> None:
    """Time each arm for so long at most and print times, medians, and medians as `Compare` trims them."""
    found = []
    for step in (step_of(REPETITIONS), configured()):
        timer = Timer("step()", globals={"step": step}, num_threads=1)
        if method == "blocked":
            measured = timer.blocked_autorange(min_run_time=seconds)
        else:
            measured = timer.adaptive_autorange(threshold=0.02, max_run_time=seconds)
        trimmed = trim_sigfig(measured.median, measured.significant_figures)
        found.append(
            {
                "times": measured.times,
                "median": measured.median,
                "trimmed": trimmed,
                "spent": sum(measured.raw_times),
            }
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
