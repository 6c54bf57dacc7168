"""What the database keeps of runs, contents and deleted results, and how many rows it reads to answer why."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select, text

from calculation_engine.db.database import Database
from calculation_engine.db.history import place_of
from calculation_engine.db.rows import JoinMode, NewRun, Own, Reused, StepEnd, StepRow
from calculation_engine.db.tables import jobs, runs, steps
from calculation_engine.states import State
from tests.contract.database.cases import Maker, Together, end_job

KEY = "a" * 64
RUN = NewRun("c" * 64, "python-3.12", {"word": "no_result"})


def succeeded(database: Database, make: Maker, key: str = KEY, run: NewRun | None = RUN, **values: Any) -> StepRow:
    """Store a step of its own job, and bring it to its success."""
    owner = values.pop("owner", "local")
    new = make.step(values.pop("path", "a"), **values)
    make.stored(new, owner=owner)
    [step] = [step for step in database.steps.claim("engine", ["local"], 100, 30) if step.id == new.id]
    token = make.token(step)
    database.steps.join(step.id, token, key, JoinMode.FRESH)
    begin(database, make, step, run)
    database.steps.end(step.id, token, StepEnd(State.SUCCEEDED))
    return database.steps.get(step.id)


def begin(database: Database, make: Maker, step: StepRow, run: NewRun | None) -> None:
    database.steps.begin(
        step.id, make.token(step), attempt_increment=True, spec={}, key=None, module_version="1", host="here",
        image=None, run=run,
    )  # fmt: skip


def test_run_is_kept_as_its_first_attempt_began(database: Database, make: Maker) -> None:
    step = make.claimed()
    begin(database, make, step, RUN)
    begin(database, make, step, NewRun("d" * 64, "other", {"word": "verify"}))

    found = database.history.runs([step.id, "none"])

    assert set(found) == {step.id}
    assert (found[step.id].environment, found[step.id].cause) == ("python-3.12", {"word": "no_result"})


def test_runs_at_the_same_path_come_before_others_newest_first(database: Database, make: Maker) -> None:
    others = [succeeded(database, make, path="b").id for _ in range(2)]
    step = make.claimed()
    assert database.history.earlier(step, "local", 20) == others[::-1]

    same = [succeeded(database, make, path="a").id for _ in range(3)]
    step = make.claimed()
    assert database.history.earlier(step, "local", 2) == same[:0:-1]


def test_runs_of_others_and_of_other_modules_are_not_compared_with(database: Database, make: Maker) -> None:
    succeeded(database, make, owner="somebody")
    succeeded(database, make, module="highs")

    assert database.history.earlier(make.claimed(), "local", 20) == []


def test_later_runs_are_not_compared_with(database: Database, make: Maker) -> None:
    step = make.claimed()
    succeeded(database, make)

    assert database.history.earlier(step, "local", 20) == []


def test_deleted_result_is_remembered(database: Database, make: Maker) -> None:
    assert database.history.deleted(KEY) is None
    for _ in range(2):
        step = succeeded(database, make)
        end_job(database, step.job_id)
        database.jobs.delete(step.job_id)

        found = database.history.deleted(KEY)
        assert found is not None
        assert found[0] == step.job_id
    assert database.history.runs([step.id]) == {}


def test_content_is_kept_once_by_whoever_comes_first(database: Database, together: Together) -> None:
    together(4, lambda _: database.history.note_content("c" * 64, {"run.py": "0" * 64}))

    assert database.history.content("c" * 64) == {"run.py": "0" * 64}
    assert database.history.content("d" * 64) is None


def test_imported_result_serves_its_owner_alone(database: Database, make: Maker) -> None:
    imported = succeeded(database, make, owner="ann")
    with database.sessions.engine.begin() as connection:
        connection.execute(jobs.update().values(imported=imported.ended))

    found = {}
    for owner in ("ann", "bob"):
        new = make.step("a")
        make.stored(new, owner=owner)
        [step] = [step for step in database.steps.claim("engine", ["local"], 100, 30) if step.id == new.id]
        found[owner] = database.steps.join(step.id, make.token(step), KEY)
        database.steps.release(step.id, make.token(step), 3600)

    assert found == {"ann": Reused(imported.id), "bob": Own()}


def test_verification_is_kept_with_its_run(database: Database, make: Maker) -> None:
    step = succeeded(database, make)
    database.history.note_verification(step.id, {"verdict": "same"})

    assert database.history.runs([step.id])[step.id].verification == {"verdict": "same"}


def test_steps_of_a_job_come_in_pages(database: Database, make: Maker) -> None:
    new = [make.step(f"s{number}") for number in range(5)]
    job_id = make.stored(*new)

    first = database.history.page(job_id, "", 3)
    rest = database.history.page(job_id, first[-1].id, 3)

    assert [step.path for step in (*first, *rest)] == ["s0", "s1", "s2", "s3", "s4"]


@pytest.mark.parametrize("query", ["place", "module"])
def test_earlier_runs_are_read_from_an_index(database: Database, make: Maker, backend: str, query: str) -> None:
    step = succeeded(database, make)
    conditions = {
        "place": runs.c.place == place_of("local", "cbc", "a"),
        "module": (runs.c.owner == "local") & (runs.c.module == "cbc"),
    }
    with database.sessions.engine.begin() as connection:
        ids = [make.id() for _ in range(2000)]
        row = dict(connection.execute(select(steps).where(steps.c.id == step.id)).one()._mapping)
        run = dict(connection.execute(select(runs)).one()._mapping)
        many = [row | {"id": step_id, "path": f"p{number}", "key": None} for number, step_id in enumerate(ids)]
        connection.execute(insert(steps), many)
        connection.execute(insert(runs), [run | {"step_id": step_id} for step_id in ids])
        found = select(runs.c.step_id).where(conditions[query], runs.c.step_id < make.id())
        found = found.order_by(runs.c.step_id.desc()).limit(20)
        written = str(found.compile(connection, compile_kwargs={"literal_binds": True}))
        if backend == "sqlite":
            plan = [str(line) for line in connection.execute(text(f"EXPLAIN QUERY PLAN {written}"))]
            assert any(f"ix_runs_{query}" in line for line in plan), plan
            assert not any("TEMP B-TREE" in line for line in plan), plan
        else:
            connection.execute(text("ANALYZE TABLE runs"))
            connection.execute(text("FLUSH STATUS"))
            assert len(connection.execute(text(written)).all()) == 20
            read = {name: int(count) for name, count in connection.execute(text("SHOW STATUS LIKE 'Handler_read%'"))}
            assert sum(read.values()) < 100, read
