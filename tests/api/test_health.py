"""Health, metrics, and the description of the API."""

from __future__ import annotations

import re
from typing import Any

import openapi_spec_validator
import pytest

from calculation_engine.api.table import ROUTES
from tests.api.conftest import Site


def test_the_process_answers(site: Site) -> None:
    assert site.http.get("/healthz").json()["status"] == "ok"


def test_a_server_without_an_engine_is_not_ready_and_says_so(site: Site) -> None:
    response = site.http.get("/readyz")

    body = response.json()
    assert (response.status_code, body["ready"]) == (503, False)
    assert (body["database"]["ok"], body["data_dir"]["ok"], body["engine"]["ok"]) == (True, True, False)
    assert "no engine is alive" in body["engine"]["detail"]


def test_a_server_with_an_engine_is_ready(site: Site) -> None:
    site.database.engines.beat("engine-1", "here", ["local"])

    response = site.http.get("/readyz")

    assert (response.status_code, response.json()["ready"]) == (200, True)


def test_requests_are_counted_by_route(site: Site) -> None:
    def count() -> float:
        text = site.http.get("/metrics").text
        name = r'ce_requests_total\{method="GET",route="/api/job/\{id\}",status="404"\}'
        found = re.search(rf"^{name} (.+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    before = count()
    site.http.get("/api/job/01234567-0123-7123-8123-0123456789ab")

    assert count() == before + 1


@pytest.fixture
def document(site: Site) -> dict[str, Any]:
    return dict(site.http.get("/api/openapi.json").json())


def test_the_description_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    openapi_spec_validator.validate(document)


def test_every_route_is_described_with_its_errors(document: dict[str, Any]) -> None:
    for route in ROUTES:
        operation = document["paths"][route.path][route.method.lower()]
        assert operation["summary"]
        assert operation["description"]
        assert {str(status) for status in route.returns} < set(operation["responses"])
        assert "application/problem+json" in operation["responses"]["default"]["content"]


def test_no_two_operations_have_one_name(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]

    assert len(names) == len(set(names)) == len(ROUTES) + 2


def test_the_page_shows_every_address_and_needs_nothing_from_elsewhere(site: Site, document: dict[str, Any]) -> None:
    response = site.http.get("/api/docs")

    assert response.headers["Content-Type"].startswith("text/html")
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert all(path in response.text for path in document["paths"])
    assert not re.search(r"<script|src=|https?://", response.text)
    anchors = set(re.findall(r'id="?([\w-]+)', response.text))
    assert set(re.findall(r'href="?#([\w-]+)', response.text)) <= anchors
