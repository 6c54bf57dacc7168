"""Every metric that ``/metrics`` tells, declared in one place."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

STEPS_ENDED = Counter("ce_steps_ended", "Steps that ended, by state", ["state"], registry=REGISTRY)
STEPS_REUSED = Counter("ce_steps_reused", "Steps whose result was taken instead of computed", registry=REGISTRY)
STEPS_LOST = Counter("ce_steps_lost", "Attempts lost without a record of their end", registry=REGISTRY)
STEPS_RUNNING = Gauge("ce_steps_running", "Steps that this engine has in hand", registry=REGISTRY)
STEP_SECONDS = Histogram(
    "ce_step_seconds",
    "Seconds from an attempt's start to its end",
    ["module"],
    buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600, 10800, 36000),
    registry=REGISTRY,
)
OVERHEAD_SECONDS = Histogram(
    "ce_step_overhead_seconds",
    "Seconds that the engine adds to a step: claim, stage, collect, store",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    registry=REGISTRY,
)
REQUESTS = Counter("ce_requests", "Requests answered", ["method", "route", "status"], registry=REGISTRY)
REQUEST_SECONDS = Histogram(
    "ce_request_seconds",
    "Seconds from a request to its answer",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
    registry=REGISTRY,
)
