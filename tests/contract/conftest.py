"""What the contract suites share."""

from collections.abc import Callable, Iterator

import pytest

from calculation_engine.executors.registry import executor_names
from tests.contract.executor_bench import Bench


@pytest.fixture(scope="module", params=executor_names())
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, needs: Callable[..., None]
) -> Iterator[Bench]:
    """Each executor in turn, with the probe made ready; nothing may be left when all is over."""
    name = request.param
    if name != "local":
        needs(name)
    bench = Bench(name, tmp_path_factory.mktemp(name))
    bench.executor.prepare(bench.program(), lambda _: None)
    yield bench
    for attempt_id in bench.executor.leftovers():
        bench.executor.remove_leftover(attempt_id)
    left = list(bench.executor.leftovers())
    bench.executor.close()
    assert left == []
