"""Whether a step takes a stored result, computes anew, or computes anew and compares."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator

from calculation_engine.schemas.base import Schema


class Nearness(Schema):
    """How far two numbers may lie apart and still count as the same: the larger of the two."""

    relative: float = Field(default=1e-6, ge=0, lt=1)
    """Of the larger of the two numbers [-]."""
    absolute: float = Field(default=1e-9, ge=0)
    """In the numbers' own unit."""

    def allows(self, a: float, b: float) -> bool:
        """Return whether two finite numbers count as the same."""
        return abs(b - a) <= max(self.relative * max(abs(a), abs(b)), self.absolute)


class Reuse(Nearness):
    """Which results are taken from equal steps; written as its mode alone, or whole."""

    mode: Literal["results", "never", "verify"] = "results"
    """``results``: an equal step's result is taken. ``never``: it is computed. ``verify``: it is computed and compared
    with the stored result; where they differ by more than allowed, the step fails as ``not_reproduced``."""

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        return {"mode": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = handler.resolve_ref_schema(handler(core_schema))
        word = {"type": "string", "enum": ["results", "never", "verify"], "description": whole.get("description", "")}
        return {"anyOf": [word, whole]}
