"""The committed JSON Schemas are what the models say, and an editor accepts every record with them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import yaml

from kb.schema import SCHEMAS, schema_text, write_schemas

ROOT = Path(__file__).parent.parent
RECORDS = {"claim": "claims/*/*.yaml", "source": "data/sources/*.yaml"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_schema_is_the_generated_one(name):
    committed = (ROOT / "data/schema" / f"{name}.json").read_text(encoding="utf-8")
    assert committed == schema_text(name), "run `kb schema`"


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_record_validates_as_in_an_editor(name):
    paths = sorted(ROOT.glob(RECORDS[name]))
    assert paths
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--schemafile",
        str(ROOT / f"data/schema/{name}.json"),
    ]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_record_names_its_schema_for_the_editor(name):
    for path in sorted(ROOT.glob(RECORDS[name])):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        schema = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / schema).resolve() == ROOT / f"data/schema/{name}.json", path


def test_the_schema_refuses_what_the_loader_refuses(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(schema_text("claim"))
    sound = yaml.safe_load(tiny.RECORDS[f"claims/programming/{tiny.CAPABILITY}.yaml"])
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(sound)) == []
    for wrong in ({"favours": "me"}, {"extra": 1}, {"kind": "rumour"}, {"as_of": 2.5}, {"stated_in": []}):
        assert list(validator.iter_errors({**sound, **wrong})), wrong


def test_schemas_are_written_where_editors_look(tmp_path):
    paths = write_schemas(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
        "data/schema/claim.json",
        "data/schema/source.json",
    ]
    assert paths[0].read_text(encoding="utf-8") == schema_text("claim")
