"""Requests made from the API's own description: no reply contradicts it, and none is a failure of ours."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode, checks

from calculation_engine.api.routes import Route
from calculation_engine.api.table import ROUTES
from tests.api.conftest import Site

EXAMPLES = 12
#: A description cannot say which modules, ids and cursors there are.
EXCLUDED: list[Any] = [checks.positive_data_acceptance]


def violable(route: Route) -> bool:
    """Return whether a request can be wrong in more than its path."""
    return bool(route.query.model_fields or (route.takes and route.takes.models))


CASES = [(route, GenerationMode.POSITIVE) for route in ROUTES]
CASES += [(route, GenerationMode.NEGATIVE) for route in ROUTES if violable(route)]


@pytest.mark.parametrize(("route", "mode"), CASES, ids=lambda value: getattr(value, "name", None))
def test_every_reply_is_as_described(site: Site, route: Route, mode: GenerationMode) -> None:
    site.database.engines.beat("engine-1", "here", ["local"])
    description: Any = schemathesis.openapi.from_url(f"{site.url}/api/openapi.json")

    @hypothesis.settings(max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(case=description[route.path][route.method].as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case[Any]) -> None:
        if "wait" in route.query.model_fields:
            case.query = {"wait": 0} | dict(case.query or {})
        case.call_and_validate(timeout=20, excluded_checks=EXCLUDED)

    ask()
