"""What a scenario says of content codings: which a proxy applies, to what, and how hard."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    GetJsonSchemaHandler,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from proxysim.scenario.quantities import MEDIA_TYPE, FieldError, Grammar, Size

__all__ = ["LEVELS", "Coding", "Codings", "Compression"]

#: The levels of each coding, the last one included.
LEVELS = {"gzip": (1, 9), "br": (0, 11), "zstd": (1, 22)}

Coding = Literal["zstd", "br", "gzip"]


def _once(found: list[str]) -> list[str]:
    for index, coding in enumerate(found):
        if coding in found[:index]:
            raise FieldError(f"{coding} is listed twice", mend="Keep one of them.")
    return found


Codings = Annotated[list[Coding], AfterValidator(_once)]
MediaType = Annotated[str, Field(pattern=MEDIA_TYPE)]


class Compression(Grammar):
    """Codings that a proxy may apply; a bare list stands for ``codings``."""

    codings: Codings = Field(description="The best liked first.")
    min_size: Size = Field(default=1024, description="Shorter answers are left alone.")
    types: list[MediaType] | None = Field(
        default=None, description="Such as text/html or text/*. Default: all that is text."
    )
    level: dict[Coding, Annotated[int, Field(strict=True)]] = Field(
        default={},
        description="How hard a coding tries, as in {gzip: 1}. Default: gzip 6, br 4, zstd 3.",
    )

    @model_validator(mode="before")
    @classmethod
    def _bare_list(cls, found: Any) -> Any:
        return found if isinstance(found, dict | cls) else {"codings": found}

    @field_validator("level")
    @classmethod
    def _in_range(cls, found: dict[str, int]) -> dict[str, int]:
        for coding, level in found.items():
            least, most = LEVELS[coding]
            if not least <= level <= most:
                raise FieldError(
                    f"{coding} has no level {level}", mend=f"Give one from {least} to {most}."
                )
        return found

    @model_validator(mode="after")
    def _levels_of_codings(self) -> Self:
        for coding in self.level:
            if coding not in self.codings:
                raise FieldError(
                    f"found a level for {coding}, which is not among the codings",
                    mend=f"Take it out, or add {coding} to codings.",
                )
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        written_out = dict(schema)
        schema.clear()
        schema["description"] = written_out.pop("description", "")
        schema["anyOf"] = [written_out["properties"]["codings"], written_out]
        return reference
