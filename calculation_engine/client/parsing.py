"""Replies of a server as schemas."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from calculation_engine import __version__
from calculation_engine.errors import EngineError, pydantic_faults


def parse[S: BaseModel](schema: type[S], body: object) -> S:
    """Return a reply as its schema; fields that a newer server adds are passed over.

    Raises:
        EngineError: it does not fit.
    """
    try:
        return schema.model_validate(body, extra="ignore")
    except ValidationError as error:
        raise EngineError(
            f"the server's {schema.__name__} is not understood",
            hint=f"client and server may be too far apart; the client is version {__version__}",
            faults=pydantic_faults(error.errors()),
        ) from error
