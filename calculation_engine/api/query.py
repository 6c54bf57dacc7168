"""Query parameters: a model for each route; unknown names and repeated ones are faults."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, get_origin

from pydantic import ValidationError

from calculation_engine.errors import Fault, InvalidInput, pydantic_faults
from calculation_engine.schemas.base import Schema


def read_query(model: type[Schema], arguments: Mapping[str, Sequence[bytes]]) -> Schema:
    """Return the query parameters of a request.

    Args:
        model: what the route knows; fields that are lists may be repeated.
        arguments: name to the values as they came.

    Raises:
        InvalidInput: with every unknown, repeated or wrong parameter.
    """
    faults = []
    values: dict[str, Any] = {}
    for raw, given in arguments.items():
        name = raw.encode("latin-1", "replace").decode(
            "utf-8", "replace"
        )  # Tornado leaves the bytes of names as they are
        found = model.model_fields.get(name)
        if found is None:
            faults.append(Fault(f"query.{name}", "there is no such parameter", _hint(name, list(model.model_fields))))
            continue
        texts = [value.decode("utf-8", "replace") for value in given]
        if get_origin(found.annotation) is list:
            values[name] = texts
        elif len(texts) > 1:
            faults.append(Fault(f"query.{name}", f"expected it once, got it {len(texts)} times"))
        else:
            values[name] = texts[0]
    try:
        query = model.model_validate(values)
    except ValidationError as error:
        faults += pydantic_faults(error.errors(), "query")
    else:
        if not faults:
            return query
    raise InvalidInput("the query parameters cannot be used", faults=faults)


@contextmanager
def cursor_checked(cursor: str | None) -> Iterator[None]:
    """Turn what the database says of a wrong cursor into a fault of the parameter ``cursor``."""
    try:
        yield
    except InvalidInput as error:
        if cursor is None:
            raise
        fault = Fault("query.cursor", f"not a cursor of this list, got {cursor!r}", "follow `next` of the page before")
        raise InvalidInput("the query parameters cannot be used", faults=[fault]) from error


def _hint(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are: {', '.join(known)}" if known else "this address takes none"
