"""JSON Schemas of the records, for editors: generated from the models, committed, checked to be current."""

import json
from pathlib import Path

from pydantic import BaseModel

from kb.claim import Claim
from kb.source import Source

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMAS: dict[str, type[BaseModel]] = {"claim": Claim, "source": Source}


def schema_text(name: str) -> str:
    """Return the schema of a kind of record as the text of its file."""
    schema = SCHEMAS[name].model_json_schema(by_alias=True)
    return json.dumps({"$schema": DIALECT, **schema}, indent=1, sort_keys=True) + "\n"


def write_schemas(root: Path) -> list[Path]:
    """Write all schemas below `data/schema/` and return their paths."""
    folder = root / "data" / "schema"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.json" for name in SCHEMAS]
    for path in paths:
        path.write_text(schema_text(path.stem), encoding="utf-8")
    return paths
