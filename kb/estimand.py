"""The models of what a measured claim asks: its number, its readings, and the grid of cells."""

from typing import Annotated, Self, TypeAlias

from pydantic import ConfigDict, Field, model_validator

from kb.strict import Scalar, Strict, Text
from kb.words import Effect

ArmName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9]+/[a-z0-9-]+$")]
Pair: TypeAlias = Annotated[list[ArmName], Field(min_length=2, max_length=2)]


class Estimand(Strict):
    """The number that the claim is about."""

    quantity: Text
    unit: Text
    effect: Effect
    of: Text = Field(description="treatment: the side that the claim says something about")
    against: Text = Field(description="baseline")
    field: Text | None = Field(
        None,
        description="field of the verifier's finding that is the number, where it is counted, not sampled",
    )


class Reading(Strict):
    """One defensible meaning of the wording, as a region of the effect (or of the cited difference)."""

    name: Text
    value: float | None = Field(None, description="the effect that the wording states, as read")
    low: float | None = Field(None, description="lower edge; policy around the value unless given")
    high: float | None = Field(None, description="upper edge; policy around the value unless given")
    rounded_to: dict[str, float] | None = Field(
        None, description="documented claims: for each figure, the step to which it was printed"
    )
    because: Text | None = None

    @model_validator(mode="after")
    def says_something(self) -> Self:
        """Refuse a reading that bounds nothing."""
        if self.value is None and self.low is None and self.high is None and not self.rounded_to:
            message = "a reading needs a value, an edge (low or high) or rounded_to"
            raise ValueError(message)
        if self.low is not None and self.high is not None and self.low >= self.high:
            message = f"low {self.low} is not below high {self.high}"
            raise ValueError(message)
        return self


class Region(Strict):
    """The effects for which the magnitude counts as true: the hull of its readings."""

    low: float | None = None
    high: float | None = None
    because: Text


class Cells(Strict):
    """The grid of circumstances: arm pairs, and any number of swept settings."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Annotated[list[Scalar], Field(min_length=1)]]

    arms: list[Pair] = Field(min_length=1, description="pairs [of, against] of framework/mode")
    beside: list[ArmName] = Field(
        default_factory=list, description="arms of another framework, shown beside the pairs, never judged"
    )
    tuned: bool | None = Field(
        None, description="of each side the arm that is fastest in the pilot decides; all pairs are given"
    )
    off_scope: dict[str, Annotated[list[Scalar], Field(min_length=1)]] | None = Field(
        None, description="values that take the place of a setting's on hardware off the scope"
    )

    def settings_on(self, in_scope: bool) -> dict[str, list[Scalar]]:
        """Return the swept settings by name, as they are on hardware in or off the claim's scope."""
        return self.settings if in_scope else self.settings | (self.off_scope or {})

    @property
    def settings(self) -> dict[str, list[Scalar]]:
        """The swept settings by name."""
        return dict(self.__pydantic_extra__ or {})


class Primary(Strict):
    """The cells whose verdict is the claim's: with these arms, or any, and one of these values each."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Scalar | Annotated[list[Scalar], Field(min_length=1)]]

    arms: Pair | None = None

    @property
    def settings(self) -> dict[str, list[Scalar]]:
        """The chosen values of each setting by its name."""
        given = self.__pydantic_extra__ or {}
        return {name: value if isinstance(value, list) else [value] for name, value in given.items()}
