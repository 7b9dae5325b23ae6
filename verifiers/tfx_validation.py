# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# [tool.kb.environments]
# tfx = ["tfx==1.21.0", "tensorflow==2.21.0"]
# ///
"""Whether TFX installs beside current TensorFlow, finds a planted anomaly, and takes known metrics."""

import platform
import sys
from typing import Any

from kb.verifier import Refused, Unavailable, probes, python_of
from models.script_outcome import written

PYTHONS = ((3, 10), (3, 13))  # what TFX 1.21.0 supports, by its metadata
PARTS = ("components", "data_validation", "model_analysis", "pipeline")
PLANTED = "colour"
TOLERANCE = 1e-3  # TFMA takes the area under the curve from 10000 thresholds


@probes(
    fields=(
        "python_version",
        "installs",
        "refusal",
        "versions",
        "asks_for",
        "components",
        "anomalies_in_sound_table",
        "anomalies_in_faulty_table",
        "false_alarms",
        "metrics",
        "expected_metrics",
        "right_metrics",
        "pipeline",
        "failures",
    ),
    seconds=1800.0,
)
def tfx_validation() -> dict[str, Any]:
    """Do each part of the work in a process of its own, in an environment with TFX, on the CPU.

    Returns
    -------
    dict
        `refusal` says why TFX does not install beside TensorFlow, and is None where it does; `failures` has
        the error of each part that raised. `components` are those that TFX's own package names. Anomalies
        are TensorFlow Data Validation's, by column; `false_alarms` counts those in other columns than the
        planted one or in the sound table, None where the tables were not checked. `right_metrics` are
        those of TensorFlow Model Analysis within 0.001 of `expected_metrics`. `pipeline` has the
        anomalies that TFX's components find in the same tables, or None.

    Raises
    ------
    Unavailable
        Where Python is not one that TFX supports, or its environment was not made.
    RuntimeError
        Where a part's process does not end, is ended from outside, or meets a full disk or memory.
    """
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        oldest, newest = (".".join(map(str, each)) for each in PYTHONS)
        message = (
            f"needs Python {oldest} to {newest}, as TFX 1.21.0 does; this is {platform.python_version()}"
        )
        raise Unavailable(message)
    try:
        python = python_of("tfx")
    except Refused as refusal:
        return _finding({}, str(refusal))
    return _finding({part: written(python, "tfx_part.py", part) for part in PARTS}, None)


def _finding(outcomes: dict[str, dict[str, Any] | str], refusal: str | None) -> dict[str, Any]:
    """Return the finding on what the parts wrote, or the errors with which they ended."""
    ran = {part: outcome for part, outcome in outcomes.items() if isinstance(outcome, dict)}
    tables, model = ran.get("data_validation"), ran.get("model_analysis", {"found": {}, "expected": {}})
    first = next(iter(ran.values()), {"versions": {}, "asks_for": []})
    return {
        "python_version": platform.python_version(),
        "installs": refusal is None,
        "refusal": refusal,
        "versions": first["versions"],
        "asks_for": first["asks_for"],
        "components": ran["components"]["has"] if "components" in ran else [],
        "anomalies_in_sound_table": tables and tables["sound"],
        "anomalies_in_faulty_table": tables and tables["faulty"],
        "false_alarms": tables and len(tables["sound"]) + len(tables["faulty"].keys() - {PLANTED}),
        "metrics": model["found"],
        "expected_metrics": model["expected"],
        "right_metrics": [
            name
            for name, value in model["expected"].items()
            if abs(model["found"][name] - value) <= TOLERANCE
        ],
        "pipeline": {kind: ran["pipeline"][kind] for kind in ("sound", "faulty")}
        if "pipeline" in ran
        else None,
        "failures": {part: outcome for part, outcome in outcomes.items() if isinstance(outcome, str)},
    }
