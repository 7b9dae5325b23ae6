"""What Python shows of planted faults, in one mode: fault_reports.py FRAMEWORK MODE OUT.json."""

import importlib.util
import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from traceback import TracebackException
from types import ModuleType
from typing import Any

import numpy as np

IMAGES = np.ones((11, 13), np.float32)
COUNTS = np.ones((13, 19), np.int64)
FAULTS = {
    "matmul_shapes": (IMAGES, np.ones((17, 19), np.float32)),
    "matmul_types": (IMAGES, COUNTS),
    "layer_input": (IMAGES,),
    "broadcast": (IMAGES, np.ones(17, np.float32)),
    "reshape": (IMAGES,),
    "fixed_index": (IMAGES,),
    "computed_index": (IMAGES, np.array([0, 29])),
    "integer_division": (COUNTS, np.array(0)),
    "argument_type": (IMAGES,),
    "missing_attribute": (IMAGES,),
    "none_operand": (IMAGES,),
}
# Both things that clash, as either framework may spell them; the sizes occur nowhere else in a message.
CLASHES = {
    "matmul_shapes": (13, 17),
    "matmul_types": ("float", "int64|long"),
    "layer_input": (13, 17),
    "broadcast": (13, 17),
    "reshape": (143, "17|34"),
    "fixed_index": (29, 11),
    "computed_index": (29, 11),
    "integer_division": ("[Dd]ivision by zero|ZeroDivision",),
    "argument_type": ("str|rows",),
    "missing_attribute": ("depth",),
    "none_operand": ("None",),
}
SILENCE = {
    "error": None,
    "line_named_by": "nothing",
    "frames_above": None,
    "clash_named": False,
    "message": "",
}
MARK = "# fault"
PLACE = re.compile(r'File "([^"]+)", line (\d+)')
FOLDER = re.compile(r'File "[^"]*/')
MESSAGE_LENGTH = 600


def reports(program: ModuleType, mode: str) -> dict[str, dict[str, Any]]:
    """Return for each fault what Python shows of it."""
    return {name: _report(program, mode, name) for name in FAULTS}


def _report(program: ModuleType, mode: str, name: str) -> dict[str, Any]:
    fault = getattr(program, name)
    lines, first = inspect.getsourcelines(fault)
    line = first + next(offset for offset, text in enumerate(lines) if MARK in text)
    try:
        program.MODES[mode](fault, FAULTS[name])
    except Exception as error:
        shown, kind = TracebackException.from_exception(error), type(error).__name__
    else:
        return SILENCE
    message = "".join(shown.format_exception_only()).strip()
    return {
        "error": kind,
        "line_named_by": _line_named_by(shown, str(program.__file__), line),
        "frames_above": _frames_above(shown, str(program.__file__)),
        "clash_named": _names(message, CLASHES[name], inspect.getsource(program)),
        "message": FOLDER.sub('File "', message)[:MESSAGE_LENGTH],
    }


def _line_named_by(shown: TracebackException, file: str, line: int) -> str:
    """Return what leads to the line: `traceback`, or else `message`, or else `nothing`."""
    for each in _printed(shown):
        of_user = [frame.lineno for frame in each.stack if frame.filename == file]
        if of_user[-1:] == [line]:
            return "traceback"
    for each in _printed(shown):
        text = "".join(each.format_exception_only())
        mentioned = [int(number) for path, number in PLACE.findall(text) if path == file]
        if mentioned[-1:] == [line]:
            return "message"
    return "nothing"


def _printed(shown: TracebackException) -> Iterator[TracebackException]:
    """Yield the error and the causes that Python prints with it."""
    each: TracebackException | None = shown
    while each is not None:
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)


def _frames_above(shown: TracebackException, file: str) -> int | None:
    """Return how many frames lie between the user's innermost one and the raise, None without one."""
    of_user = [depth for depth, frame in enumerate(shown.stack, 1) if frame.filename == file]
    return len(shown.stack) - of_user[-1] if of_user else None


def _names(message: str, clash: tuple[int | str, ...], source: str) -> bool:
    """Return whether a message names each of the clashing things; places and quoted source do not count."""
    quoted = {text.strip() for text in source.splitlines()}
    said = "\n".join(
        text for text in message.splitlines() if text.strip() not in quoted and not PLACE.search(text)
    )
    patterns = [rf"(?<!\d){each}(?!\d)" if isinstance(each, int) else each for each in clash]
    return all(re.search(pattern, said) for pattern in patterns)


def main(framework: str, mode: str, path: str) -> None:
    """Run the framework's program in one mode and write the reports."""
    file = Path(__file__).with_name(f"faults_{framework}.py").resolve()
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        message = f"{file}: not a Python file"
        raise ImportError(message)
    program = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = program
    spec.loader.exec_module(program)
    Path(path).write_text(json.dumps(reports(program, mode)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
