"""The model of a bibliographic record, in the terms of CSL (citationstyles.org, CSL-JSON 1.0.2)."""

from typing import Annotated, Any

from pydantic import Field

from kb.strict import Strict, Text


class Author(Strict):
    """A person or an institution."""

    family: Text | None = None
    given: Text | None = None
    literal: Text | None = None

    def short(self) -> str:
        """Return the name as a citation shows it."""
        return self.literal or ", ".join(part for part in (self.family, self.given) if part)


class Source(Strict):
    """An article, a paper, a page of documentation, a data file. The file's name is its id."""

    type: Annotated[
        str,
        Field(
            pattern="^(article-journal|paper-conference|article|webpage|post-weblog"
            "|report|dataset|software|book|chapter|thesis)$"
        ),
    ]
    title: Text
    author: list[Author] = Field(default_factory=list)
    issued: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")] | None = None
    container_title: Text | None = Field(None, alias="container-title")
    publisher: Text | None = None
    volume: Text | None = None
    issue: Text | None = None
    page: Text | None = None
    version: Text | None = None
    DOI: Annotated[str, Field(pattern=r"^10\.")] | None = None
    URL: Annotated[str, Field(pattern=r"^https?://")] | None = None
    accessed: Annotated[str, Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")] | None = None
    read: Annotated[str, Field(pattern="^(primary|abstract|secondary|memory)$")] = Field(
        description="how we read it: its own text, its abstract only, through a third party, or not at all"
    )
    role: Annotated[str, Field(pattern="^(article|literature)$")] = Field(
        description="article: states claims that we check; literature: is cited as evidence"
    )
    note: Text | None = None

    def csl(self, identifier: str) -> dict[str, Any]:
        """Return the record as a CSL-JSON item."""
        data = self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"read", "role"})
        for date in ("issued", "accessed"):
            if date in data:
                data[date] = {"date-parts": [[int(part) for part in data[date].split("-")]]}
        return {"id": identifier, **data}
