"""The one way in which a YAML file is read: safely, without duplicate keys, with line numbers for faults.

Dates stay text, so that a version or a date is never turned into something else behind the author's back.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from kb.errors import Fault

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # a PyYAML built without libyaml is slower and equally strict
    from yaml import SafeLoader as _Base  # type: ignore[assignment]

Location: TypeAlias = tuple[str | int, ...]
LARGEST = 200_000  # bytes; a record is a page of text, so anything larger is a mistake or an attack
DEEPEST = 40  # levels of nesting; libyaml's composer crashes the process at some ten thousand


class _Loader(_Base):
    """The safe loader, collecting duplicate keys and leaving dates as text."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
        for first, pairs in _Base.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.duplicates: list[tuple[int, str]] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                self.duplicates.append((key.start_mark.line + 1, str(key.value)))
            seen.add(str(key.value))
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


@dataclass(frozen=True)
class Document:
    """What a YAML file says, and where.

    Attributes
    ----------
    data : object
        Its content; None if it could not be read.
    faults : list of Fault
        Why it could not be read.
    text : str
        The file itself, from which lines are found when a fault must be located.
    """

    data: Any
    faults: list[Fault]
    text: str

    def line(self, location: Location) -> int:
        """Return the 1-based line of a field; of its nearest parent that exists, if it does not."""
        node = yaml.compose(self.text, Loader=_Loader)
        line = 1
        for part in location:
            node, line = _child(node, part, line)
            if node is None:
                break
        return line


def _child(node: yaml.Node | None, part: str | int, line: int) -> tuple[yaml.Node | None, int]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark.line + 1
    return None, line


def read(path: Path, shown: str) -> Document:
    """Read one YAML file.

    Parameters
    ----------
    path : Path
        The file.
    shown : str
        The path as faults name it.
    """
    try:
        raw = path.read_bytes()
        if len(raw) > LARGEST:
            fault = Fault(shown, 1, "", "too-large", f"{len(raw)} bytes; a record has at most {LARGEST}")
            return Document(None, [fault], "")
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Document(None, [Fault(shown, 1, "", "unreadable", f"{error}; expected UTF-8 text")], "")
    return parse(text, shown)


def _guard(text: str) -> None:
    """Refuse aliases, which can stand for more than memory holds, and nesting that exhausts the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
            problem = f"found an alias, or nesting beyond {DEEPEST} levels; write it out plainly"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]


def parse(text: str, shown: str) -> Document:
    """Parse the text of one YAML file; see `read`."""
    try:
        _guard(text)
        loader = _Loader(text)
        data = loader.get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or str(error)
        return Document(None, [Fault(shown, line, "", "syntax", problem)], text)
    except (RecursionError, ValueError) as error:
        return Document(None, [Fault(shown, 1, "", "syntax", f"cannot be parsed: {error}")], text)
    faults = [
        Fault(
            shown, line, key, "duplicate-key", f"the key {key!r} stands here a second time; keep one of them"
        )
        for line, key in loader.duplicates
    ]
    if not isinstance(data, dict):
        found = type(data).__name__
        return Document(None, [Fault(shown, 1, "", "syntax", f"found {found}, expected a mapping")], text)
    return Document(data, faults, text)
