"""The models of a claim record: what a source states, one file, one claim.

Strict: no coercion, no unknown key. A version such as 2.10 without quotes is a number and therefore a fault.
"""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kb.citation import Check, Citation, Difference, Fact, Figure, Published, Trend
from kb.estimand import Cells, Estimand, Primary, Reading, Region
from kb.strict import Name, Scalar, Strict, Text
from kb.words import Hardware, Kind, Quantifier, Reason, Topic


class Mention(Strict):
    """Where a source states the claim."""

    source: Name = Field(description="id of a record in data/sources/")
    section: Text | None = Field(None, description="heading under which it stands")
    quote: Text = Field(description="the shortest phrase that locates it, at most 15 words, as printed")
    via: Text | None = Field(None, description="whom the source cites for it")


class Condition(Strict):
    """A circumstance of the claim, stated by the source or assumed by us."""

    name: Text
    value: Scalar
    stated: bool
    because: Text | None = Field(None, description="why we assume it; required unless stated")

    @model_validator(mode="after")
    def assumption_has_a_reason(self) -> Self:
        """Refuse an assumption without its reason."""
        if not self.stated and self.because is None:
            message = "an assumed condition (stated: false) needs `because`"
            raise ValueError(message)
        return self


class Scope(Strict):
    """The hardware for which the claim speaks; elsewhere an outcome is indicative."""

    hardware: list[Hardware] = Field(min_length=1)
    devices: int = Field(1, ge=1, description="devices that the claim speaks of")
    cores: int | None = Field(None, ge=1, description="processor cores that the claim speaks of")
    stated: bool
    because: Text | None = None

    @model_validator(mode="after")
    def assumption_has_a_reason(self) -> Self:
        """Refuse an assumed scope without its reason."""
        if not self.stated and self.because is None:
            message = "an assumed scope (stated: false) needs `because`"
            raise ValueError(message)
        return self


class Expectation(Strict):
    """What a field of a finding must be for the claim to hold; all expectations must."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)

    field: Text
    equals: Scalar | list[Scalar] | None = Field(None, alias="is")
    at_least: float | None = None
    at_most: float | None = None
    contains: Scalar | None = None
    because: Text | None = None

    @model_validator(mode="after")
    def one_comparison(self) -> Self:
        """Refuse none or several comparisons."""
        given = [self.equals, self.at_least, self.at_most, self.contains]
        if sum(value is not None for value in given) != 1:
            message = "an expectation has exactly one of is, at_least, at_most, contains"
            raise ValueError(message)
        return self


class Relation(Strict):
    """How the claim stands to another; exactly one of the keys."""

    contradicts: Name | None = None
    rests_on: Name | None = None
    same_as: Name | None = None
    supersedes: Name | None = None
    because: Text | None = None

    @model_validator(mode="after")
    def one_relation(self) -> Self:
        """Refuse none or several relations in one entry."""
        if sum(value is not None for value in self.targets().values()) != 1:
            message = "a relation has exactly one of contradicts, rests_on, same_as, supersedes"
            raise ValueError(message)
        return self

    def targets(self) -> dict[str, str | None]:
        """Return the relation's four possible keys with the ids they name."""
        return self.model_dump(include={"contradicts", "rests_on", "same_as", "supersedes"})

    def target(self) -> tuple[str, str]:
        """Return the relation's name and the id that it names."""
        return next((name, claim) for name, claim in self.targets().items() if claim is not None)


class Untested(Strict):
    """Why a claim has no verifier, in a sentence that a person can act on."""

    reason: Reason
    because: Text


class Claim(Strict):
    """What a source states. The file's name is its id, its folder its topic."""

    title: Annotated[str, Field(min_length=5, max_length=120)]
    kind: Kind
    statement: Text = Field(description="the claim in our own words")
    favours: Annotated[str, Field(pattern="^(pytorch|tensorflow|jax|both|neither)$")]
    stated_in: list[Mention] = Field(min_length=1)
    as_of: int | str = Field(description="year or date for which the claim speaks")
    estimand: Estimand | None = None
    quantifier: Quantifier | None = None
    readings: list[Reading] = []
    region: Region | None = None
    conditions: list[Condition] = []
    scope: Scope | None = None
    verifier: Annotated[str, Field(pattern="^[a-z0-9_]+$")] | None = None
    cells: Cells | None = None
    primary: Primary | None = None
    along: Text | None = Field(
        None, description="the swept setting along which a trend is taken, or a crossover looked for"
    )
    expect: list[Expectation] = []
    figures: list[Figure] = []
    difference: Difference | None = None
    facts: list[Fact] | None = None
    trend: Trend | None = None
    period: Text | None = Field(None, description="dates of citations that match: a prefix such as 2023")
    complete: bool = Field(False, description="the citations cover the whole period")
    citations: list[Citation] = []
    published: list[Published] | None = None
    logic: list[Check] = []
    relates: list[Relation] = []
    untested: Untested | None = None
    notes: Text | None = None


def topic_of(path: str) -> Topic | None:
    """Return the topic that a record's folder names, or None if it names none."""
    parts = path.split("/")
    try:
        return Topic(parts[-2])
    except (ValueError, IndexError):
        return None


def as_plain(model: BaseModel) -> dict[str, Any]:
    """Return a model as plain JSON data under its public key names, without what is unset."""
    data: dict[str, Any] = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return data
