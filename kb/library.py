"""All records of a knowledge base, read by the one loader, with every fault of every file."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from kb.claim import Claim, topic_of
from kb.errors import Fault, RecordFaults, UnknownClaim
from kb.source import Source
from kb.words import Topic
from kb.yaml_lines import Document, Location, read

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Record:
    """A claim with its identity."""

    id: str
    topic: Topic
    path: str
    claim: Claim
    document: Document = field(repr=False)


@dataclass(frozen=True)
class Library:
    """The records of one root.

    Attributes
    ----------
    root : Path
        The folder with `claims/` and `data/sources/`.
    records : dict of str to Record
        Claims by id, in the order of their ids.
    sources : dict of str to Source
        Bibliographic records by id.
    faults : list of Fault
        What kept files from being read.
    documents : dict of str to Document
        Every file that was read, by its shown path.
    """

    root: Path
    records: dict[str, Record]
    sources: dict[str, Source]
    faults: list[Fault]
    documents: dict[str, Document]

    def record(self, claim: str) -> Record:
        """Return the record of a claim.

        Raises
        ------
        RecordFaults
            Where the claim's own file is at fault; lists every fault of that file.
        UnknownClaim
            Where no file bears the id.
        """
        own = [fault for fault in self.faults if _bears(fault.path, claim)]
        if own:
            raise RecordFaults(own)
        if claim not in self.records:
            raise UnknownClaim(claim, list(self.records))
        return self.records[claim]

    def verifier_path(self, name: str) -> Path:
        """Return where the verifier of that name lies, whether or not it exists."""
        return self.root / "verifiers" / f"{name}.py"


def _bears(path: str, claim: str) -> bool:
    return path.startswith("claims/") and Path(path).stem == claim


def load_library(root: Path) -> Library:
    """Read all claims and sources below a root, collecting every fault."""
    library = Library(root, {}, {}, [], {})
    for path in sorted((root / "claims").rglob("*.y*ml"), key=lambda path: path.stem):
        _add_claim(library, path)
    for path in sorted((root / "data" / "sources").glob("*.y*ml")):
        shown = path.relative_to(root).as_posix()
        source = _read_as(Source, path, shown, library)
        if source is not None:
            library.sources[path.stem] = source
    return library


def _add_claim(library: Library, path: Path) -> None:
    shown = path.relative_to(library.root).as_posix()
    claim = _read_as(Claim, path, shown, library)
    topic = topic_of(shown)
    if topic is None:
        topics = ", ".join(Topic)
        library.faults.append(
            Fault(shown, 1, "", "topic", f"lies outside claims/<topic>/; topics are {topics}")
        )
    elif path.stem in library.records:
        other = library.records[path.stem].path
        library.faults.append(Fault(shown, 1, "", "unique-id", f"{other} bears the same id; rename one"))
    elif claim is not None:
        record = Record(path.stem, topic, shown, claim, library.documents[shown])
        library.records[path.stem] = record


def _read_as(model: type[Model], path: Path, shown: str, library: Library) -> Model | None:
    document = read(path, shown)
    library.documents[shown] = document
    library.faults.extend(document.faults)
    if document.data is None:
        return None
    try:
        found = model.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        library.faults.extend(_faults(error, shown, document))
    except TypeError as error:
        library.faults.append(Fault(shown, 1, "", "type", f"{error}; keys and values must be plain YAML"))
    else:
        return None if document.faults else found
    return None


def _faults(error: ValidationError, shown: str, document: Document) -> list[Fault]:
    found: dict[tuple[Location, str], Fault] = {}
    for item in error.errors(include_url=False):
        location = _in_file(item["loc"], document.data)
        field_name = ".".join(str(part) for part in location)
        kind = item["type"]
        rule = {"extra_forbidden": "unknown-key", "missing": "missing-key"}.get(kind, "value")
        if kind.endswith("_type"):
            rule = "type"
        message = _message(kind, item["msg"], item["input"])
        found[(location, message)] = Fault(shown, document.line(location), field_name, rule, message)
    return list(found.values())


def _in_file(location: Location, data: object) -> Location:
    """Drop from a pydantic location the parts that name union members instead of fields of the file."""
    kept: list[str | int] = []
    for part in location:
        if isinstance(data, dict):
            kept.append(part)
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            kept.append(part)
            data = data[part]
    return tuple(kept)


def _message(kind: str, message: str, value: object) -> str:
    if kind == "extra_forbidden":
        return "unknown key; the schema data/schema/claim.json lists the known ones"
    if kind == "missing":
        return "is missing and required"
    shown = json.dumps(value, ensure_ascii=True, default=str)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    hint = "; put it in quotes" if kind == "string_type" and isinstance(value, int | float) else ""
    expected = message.removeprefix("Value error, ").removeprefix("Input should be ")
    return (
        f"found {shown}, expected {expected}{hint}" if expected != message else f"found {shown}: {expected}"
    )
