"""The models of what documents and logic say about a claim: figures, citations, checks."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from kb.strict import Name, Strict, Text


class Figure(Strict):
    """A figure that a documented claim states."""

    name: Text
    value: float
    unit: Text
    population: Text = Field(description="the denominator: of what the figure is a share or count")
    subject: Name | None = Field(None, description="what it counts, by one name in all records that count it")
    part_of: Name | None = Field(None, description="the subject of whose count this one is a part")


class Fact(Strict):
    """Something that texts state or deny; a claim that names several holds if all of them do."""

    name: Name
    says: Text = Field(description="what has to be so, as a clause: PyTorch comes from Facebook's laboratory")


class Trend(Strict):
    """A figure of one population that rises or falls from date to date."""

    figure: Text
    population: Text
    direction: Annotated[str, Field(pattern="^(rising|falling)$")]


class Citation(Strict):
    """A figure or text found elsewhere that bears on the claim."""

    source: Name
    figure: Text = Field(description="name of the claim's figure or fact that it bears on, or another name")
    bears: Annotated[str, Field(pattern="^(for|against)$")] | None = Field(
        None, description="whether it states the fact or denies it"
    )
    value: float | None = None
    text: Text | None = Field(None, description="what is said, in our words, where there is no figure")
    unit: Text | None = None
    population: Text
    date: Text = Field(description="of the figure: YYYY, YYYY-MM or YYYY-MM-DD")
    locator: Text = Field(description="where in the source")
    read: Annotated[str, Field(pattern="^(primary|secondary|memory)$")]


class Published(Strict):
    """A figure found elsewhere, as the claim's own effect; it is laid beside what was measured."""

    source: Name
    effect: float = Field(description="in the sense of the claim's estimand; derived by us where need be")
    population: Text = Field(description="network, hardware, precision, batch")
    date: Text = Field(description="YYYY, YYYY-MM or YYYY-MM-DD")
    locator: Text = Field(description="where in the source, and what was derived")
    read: Annotated[str, Field(pattern="^(primary|secondary|memory)$")]


class Difference(Strict):
    """A documented claim about which of two figures is larger, and by how much."""

    of: Text
    against: Text
    unit: Text


class Check(Strict):
    """A piece of arithmetic or set logic that needs no data.

    `quotient`: `left / right` must equal `stated` to its last printed digit.
    `subset`: the figure `left` of a part may not exceed the figure `right` of its whole.
    `range`: what is used, `left`, may not exceed what is documented for the interface `label`, `right`.
    `label`: one `label` may not name both of two opposites, `left` and `right`.
    """

    rule: Annotated[str, Field(pattern="^(quotient|subset|range|label)$")]
    left: float | str
    right: float | str
    stated: float | None = None
    digits: int | None = Field(None, description="decimal places to which `stated` is printed")
    label: Text | None = None
    because: Text

    @model_validator(mode="after")
    def complete(self) -> Self:
        """Refuse a check that lacks what its rule needs."""
        if self.rule == "quotient" and (self.stated is None or self.digits is None):
            message = "a quotient needs `stated` and `digits`"
            raise ValueError(message)
        if self.rule == "quotient" and self.right == 0:
            message = "a quotient's right side is what is divided by and cannot be 0"
            raise ValueError(message)
        if self.rule in ("label", "range") and self.label is None:
            message = f"a {self.rule} check needs `label`"
            raise ValueError(message)
        if self.rule != "label" and (isinstance(self.left, str) or isinstance(self.right, str)):
            message = f"a {self.rule} needs numbers for left and right"
            raise ValueError(message)
        return self
