"""The face of kb inside a verifier: what a verifier script imports, and nothing more.

Standard library and numpy only, so that it works inside any environment. A verifier measures; it does not
repeat, judge, store or print. Each script decorates exactly one function:

    @measures  the wall time of a step                      function(cell) -> Step
    @weighs    the peak of memory while a step runs         function(cell) -> Step
    @probes    a finding with named fields                  function() -> dict
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = Mapping[str, Array]
Order: TypeAlias = Literal["mirrored", "alternated"]
Function = TypeVar("Function", bound=Callable[..., Any])


class Unavailable(Exception):
    """Raise in a verifier that lacks what it needs; the claim is then untested, with this sentence.

    Parameters
    ----------
    message : str
        What is needed and what is here: "needs 2 NVIDIA GPUs; this machine has none".
    reason : {"no-software", "no-hardware", "no-data"}
        What kind of thing is lacking.
    """

    def __init__(self, message: str, reason: str = "no-software") -> None:
        super().__init__(message)
        self.reason = reason


class Refused(Unavailable):
    """The packages of an environment do not install together here; a finding, where that is the question."""


PYTHON, REFUSED = "KB_PYTHON_", "KB_REFUSED_"


def python_of(name: str) -> Path:
    """Return the interpreter of an environment that the verifier's block names, `[tool.kb.environments]`.

    Raises
    ------
    Refused
        Where a package registry has no releases, as asked for, that install together on this Python.
    Unavailable
        Where nobody made the environment.
    """
    if refusal := os.environ.get(REFUSED + name.upper()):
        raise Refused(refusal)
    if found := os.environ.get(PYTHON + name.upper()):
        return Path(found)
    message = f"needs its environment {name!r}; kb makes one, or name its Python in {PYTHON}{name.upper()}"
    raise Unavailable(message)


@dataclass(frozen=True)
class Cell:
    """One combination of circumstances under which a step is measured.

    Attributes
    ----------
    arm : str
        Framework and mode, as in `pytorch/eager`.
    settings : mapping
        The claim's swept circumstances (`batch`, `epoch`, `model`, ...), each a scalar.
    threads : int
        Threads that each framework must use.
    device : str
        `cpu`, `cuda`, `mps`, `xpu` or `tpu`.
    seed : int
        Seed of weights and data; equal for all arms of a run.
    """

    arm: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1
    device: str = "cpu"
    seed: int = 0

    @property
    def framework(self) -> str:
        """The part of the arm before the slash."""
        return self.arm.partition("/")[0]

    @property
    def mode(self) -> str:
        """The part of the arm after the slash."""
        return self.arm.partition("/")[2]

    def __getattr__(self, name: str) -> Any:
        """Return a swept circumstance as an attribute: `cell.batch`."""
        try:
            return self.settings[name]
        except KeyError:
            message = f"the claim's cells have no {name!r}; they have {sorted(self.settings)}"
            raise AttributeError(message) from None


@dataclass(frozen=True)
class Step:
    """The work whose cost is claimed.

    Attributes
    ----------
    run : callable
        One step, synchronised when it returns; what is timed or weighed.
    outputs : callable
        Named arrays in a layout common to all arms (NHWC, HWIO, inputs before outputs), computed from
        the given weights and data: `logits`, and for training `loss`, `grad/<parameter>` and `losses`.
        They feed the parity gate and are called once, before any clock starts.
    settings : callable
        What was in force, as observed in the framework: threads, precision, layout, flags.
    items : int
        Things done in one step (images, tokens), for rates; 1 if the step itself is the thing.
    flops : float or None
        Floating-point operations that one step's mathematics needs, multiply and add counted as two, however
        the arm computes it: equal for all arms of a cell. None where unknown.
    anatomy : callable
        What the arm made of the work: operations of a graph, kernels, fusions. Asked once, before any clock
        starts, and kept beside the timings; it may compile again.
    """

    run: Callable[[], object]
    outputs: Callable[[], Arrays]
    settings: Callable[[], Mapping[str, Any]] = dict
    items: int = 1
    flops: float | None = None
    anatomy: Callable[[], Mapping[str, Any]] = dict


@dataclass(frozen=True)
class Declaration:
    """What a verifier declares about itself; kept on the decorated function as `declaration`."""

    does: Literal["measures", "weighs", "probes"]
    unit: str = ""
    arms: tuple[str, ...] = ()
    order: Order = "mirrored"
    min_steps: int = 5
    warm_steps: int = 20
    rtol: float = 1e-4
    atol: float = 1e-5
    fields: tuple[str, ...] = ()
    seconds: float = 0.0


def _declare(declaration: Declaration) -> Callable[[Function], Function]:
    def mark(function: Function) -> Function:
        function.declaration = declaration  # type: ignore[attr-defined]
        return function

    return mark


def measures(
    *,
    arms: tuple[str, ...],
    unit: str = "s",
    order: Order = "mirrored",
    min_steps: int = 5,
    warm_steps: int = 20,
    rtol: float = 1e-4,
    atol: float = 1e-5,
) -> Callable[[Function], Function]:
    """Declare a function that makes the step whose wall time is the quantity.

    Parameters
    ----------
    arms : tuple of str
        The arms that the function knows.
    unit : str
        Unit of one step's cost; seconds.
    order : {"mirrored", "alternated"}
        Whether a cell's bursts run in an order and its mirror image (ABBA), or once each, the order
        alternating from cell to cell (AB, BA), for cells that are successive passes of one training.
    min_steps : int
        Fewest steps in a burst.
    warm_steps : int
        Steps before the first burst of a cell, in every process.
    rtol, atol : float
        Tolerance of the parity gate, relative to the largest magnitude of each array, and absolute.
    """
    return _declare(Declaration("measures", unit, arms, order, min_steps, warm_steps, rtol, atol))


def weighs(
    *, arms: tuple[str, ...], unit: str = "B", steps: int = 3, rtol: float = 1e-4, atol: float = 1e-5
) -> Callable[[Function], Function]:
    """Declare a function that makes the step whose peak memory is the quantity.

    Parameters
    ----------
    arms : tuple of str
        The arms that the function knows.
    unit : str
        Unit; bytes above the level after the framework was imported.
    steps : int
        How often the step runs in each solo process.
    rtol, atol : float
        Tolerance of the parity gate.
    """
    return _declare(Declaration("weighs", unit, arms, "mirrored", steps, 0, rtol, atol))


def probes(*, fields: tuple[str, ...], seconds: float = 0.0) -> Callable[[Function], Function]:
    """Declare a function that returns a finding.

    Parameters
    ----------
    fields : tuple of str
        The names of all fields of the finding; each a bool, int, float, str, None, or list or dict of them.
    seconds : float
        How long it may take, where that is more than the budget gives a request.
    """
    return _declare(Declaration("probes", fields=fields, seconds=seconds))


def declared(module: ModuleType) -> Callable[..., Any]:
    """Return the one decorated function of a verifier module.

    Raises
    ------
    TypeError
        Where a module decorates none, or more than one.
    """
    found = [value for value in vars(module).values() if hasattr(value, "declaration")]
    if len(found) != 1:
        message = (
            f"a verifier decorates exactly one function with measures, weighs or probes; found {len(found)}"
        )
        raise TypeError(message)
    function: Callable[..., Any] = found[0]
    return function


def rng(cell: Cell) -> np.random.Generator:
    """Return the generator from which all arms of a run draw the same weights and data."""
    return np.random.default_rng(cell.seed)
