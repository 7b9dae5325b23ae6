"""Does one thing with TFX and writes down what came of it: tfx_part.py PART OUT.json.

Parts: `components` names what the pipeline platform has, `data_validation` checks a sound and a faulty table,
`model_analysis` takes metrics of a small model, `pipeline` checks the faulty table by TFX's own components.
"""

import json
import platform
import sys
import tempfile
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 90
COLOURS = ("red", "green", "blue")
PLANTED = "violet"  # in no row of the table from which the schema is inferred
COMPONENTS = ("StatisticsGen", "SchemaGen", "ExampleValidator", "Evaluator")


def table(planted: bool, seed: int) -> dict[str, list[Any]]:
    """Return the columns of a table, with a planted value in each fifth row of `colour` if asked for."""
    random = np.random.default_rng(seed)
    colours = [COLOURS[row % len(COLOURS)] for row in range(ROWS)]
    if planted:
        colours[::5] = [PLANTED] * len(colours[::5])
    return {
        "colour": colours,
        "length": random.uniform(1.0, 2.0, ROWS).tolist(),
        "legs": random.integers(2, 9, ROWS).tolist(),
    }


def components() -> dict[str, Any]:
    """Import the platform, and name which of the components for data and models it has."""
    from tfx import v1 as tfx

    return {"has": [name for name in COMPONENTS if hasattr(tfx.components, name)]}


def data_validation() -> dict[str, Any]:
    """Infer a schema from one table, and name the anomalies of a sound and of a faulty one."""
    import pandas as pd
    import tensorflow_data_validation as tfdv

    def statistics(planted: bool, seed: int) -> Any:
        return tfdv.generate_statistics_from_dataframe(pd.DataFrame(table(planted, seed)), n_jobs=1)

    schema = tfdv.infer_schema(statistics(planted=False, seed=0))
    sound = tfdv.validate_statistics(statistics(planted=False, seed=1), schema)
    faulty = tfdv.validate_statistics(statistics(planted=True, seed=2), schema)
    return {"sound": _said(sound), "faulty": _said(faulty)}


def model_analysis() -> dict[str, Any]:
    """Take accuracy and area under the curve of a logistic model; both have closed values."""
    import pandas as pd
    import tensorflow as tf
    import tensorflow_model_analysis as tfma

    # Version 0.52.0 lacks them under the names of its own documentation, such as tfma.EvalConfig.
    from tensorflow_model_analysis.proto import config_pb2 as proto

    inputs = np.linspace(-2.0, 2.0, 8)
    labels = np.array([0, 0, 1, 0, 1, 0, 1, 1])
    scores = tf.sigmoid(tf.constant(1.5) * inputs.astype(np.float32)).numpy()
    metrics = [proto.MetricConfig(class_name=name) for name in ("BinaryAccuracy", "AUC")]
    configuration = proto.EvalConfig(
        model_specs=[proto.ModelSpec(prediction_key="prediction", label_key="label")],
        metrics_specs=[proto.MetricsSpec(metrics=metrics)],
        slicing_specs=[proto.SlicingSpec()],
    )
    rows = pd.DataFrame({"prediction": scores.astype(float), "label": labels.astype(float)})
    with tempfile.TemporaryDirectory() as folder:
        result = tfma.analyze_raw_data(rows, configuration, output_path=folder)
    found = result.get_metrics_for_slice(())
    pairs = [positive > negative for positive in scores[labels == 1] for negative in scores[labels == 0]]
    return {
        "found": {name: float(found[name]["doubleValue"]) for name in ("binary_accuracy", "auc")},
        # The score passes one half where the input passes nought; the area is the share of ordered pairs.
        "expected": {
            "binary_accuracy": float(np.mean((inputs > 0) == labels)),
            "auc": float(np.mean(pairs)),
        },
    }


def pipeline() -> dict[str, Any]:
    """Run ingestion, statistics and validation as TFX's components, by its local runner."""
    import pandas as pd
    from tfx import v1 as tfx

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, planted, seed in (("train", False, 0), ("eval", True, 2)):
            (folder / "data" / part).mkdir(parents=True)
            pd.DataFrame(table(planted, seed)).to_csv(folder / "data" / part / "rows.csv", index=False)
        splits = [tfx.proto.Input.Split(name=part, pattern=f"{part}/*.csv") for part in ("train", "eval")]
        examples = tfx.components.CsvExampleGen(
            input_base=str(folder / "data"), input_config=tfx.proto.Input(splits=splits)
        )
        statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
        schema = tfx.components.SchemaGen(
            statistics=statistics.outputs["statistics"], exclude_splits=["eval"]
        )
        validator = tfx.components.ExampleValidator(
            statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
        )
        tfx.orchestration.LocalDagRunner().run(
            tfx.dsl.Pipeline(
                pipeline_name="small",
                pipeline_root=str(folder / "root"),
                components=[examples, statistics, schema, validator],
                metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
                    str(folder / "metadata.db")
                ),
            )
        )
        return _validated(folder / "root" / "ExampleValidator" / "anomalies")


def _validated(artifact: Path) -> dict[str, Any]:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    found = {}
    for part, kind in (("train", "sound"), ("eval", "faulty")):
        path = next(artifact.glob(f"*/Split-{part}/SchemaDiff.pb"))
        found[kind] = _said(anomalies_pb2.Anomalies.FromString(path.read_bytes()))
    return found


def _said(anomalies: Any) -> dict[str, str]:
    return {name: info.short_description for name, info in anomalies.anomaly_info.items()}


PARTS = {
    "components": components,
    "data_validation": data_validation,
    "model_analysis": model_analysis,
    "pipeline": pipeline,
}


def main(part: str, path: str) -> None:
    """Do the part and write its outcome, with the versions it ran on, to `path`."""
    outcome = PARTS[part]()
    packages = (
        "tfx",
        "tensorflow",
        "tensorflow-data-validation",
        "tensorflow-model-analysis",
        "tensorflow-hub",
    )
    outcome["versions"] = {"python": platform.python_version()} | {name: version(name) for name in packages}
    outcome["asks_for"] = sorted(
        each for each in requires("tfx") or [] if each.startswith("tensorflow") and "extra" not in each
    )
    Path(path).write_text(json.dumps(outcome), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
