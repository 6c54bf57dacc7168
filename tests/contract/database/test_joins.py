"""Equal steps in SQLite and MariaDB: computed once, waited for, reused, and never forgotten."""

from typing import Any

import pytest
from sqlalchemy import select

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JoinMode, NewOutput, Own, Reused, StepEnd, StepRow, Waits
from calculation_engine.db.tables import key_holders
from calculation_engine.errors import NotFound
from calculation_engine.states import ENDED, Reason, State
from tests.contract.database.cases import Maker, Together, end_job

KEY = "e" * 64
OUTPUT = NewOutput("solution.json", "a" * 64, 17, "solution", "application/json")


def join(database: Database, step: StepRow, mode: JoinMode = JoinMode.REUSE, key: str = KEY) -> Any:
    """Join for a step under its lease."""
    assert step.lease_token is not None
    return database.steps.join(step.id, step.lease_token, key, mode)


def claim(database: Database, limit: int = 100) -> list[StepRow]:
    """Claim local steps."""
    return database.steps.claim("engine", ["local"], limit, 30)


def end(database: Database, step: StepRow, state: State = State.SUCCEEDED) -> None:
    """End a step."""
    assert step.lease_token is not None
    outputs = [OUTPUT] if state == State.SUCCEEDED else []
    ending = StepEnd(state, exit_code=0, verdict={"status": "optimal"}, outputs=outputs)
    database.steps.end(step.id, step.lease_token, ending)


def holders(database: Database) -> list[str]:
    """Return the steps that hold keys."""
    return list(database.sessions.read(lambda tx: tx.run(select(key_holders.c.step_id)).scalars().all()))


@pytest.fixture
def holder_and_parked(database: Database, make: Maker) -> tuple[StepRow, StepRow]:
    """A step that computes a key, and one of another job that waits for it."""
    holder, parked = make.claimed(), make.claimed()
    assert join(database, holder) == Own()
    assert join(database, parked) == Waits(holder.id)
    assert claim(database) == []
    return holder, parked


def test_first_of_equal_steps_owns_the_key_and_may_ask_again(database: Database, make: Maker) -> None:
    step = make.claimed()

    assert join(database, step) == Own()
    assert join(database, step) == Own()
    assert database.steps.get(step.id).key == KEY


def test_result_of_an_equal_step_is_taken(database: Database, make: Maker) -> None:
    first, second = make.claimed(), make.claimed()
    join(database, first)
    first = make.running(first, key=KEY)
    end(database, first)
    make.planned(second.job_id)

    joined = join(database, second)
    database.steps.reuse(second.id, make.token(second), first.id)

    row = database.steps.get(second.id)
    assert joined == Reused(first.id)
    assert (row.state, row.reused_from, row.exit_code, row.verdict) == (
        State.SUCCEEDED, first.id, 0, {"status": "optimal"},
    )  # fmt: skip
    assert (row.key, row.image, row.module_version, row.attempt) == (KEY, "an image", "1.0.0", 0)
    assert [file.path for file in database.steps.outputs_of(second.id)] == [OUTPUT.path]
    assert second.job_id in dict(database.jobs.due(10))
    assert holders(database) == []


def test_reused_outputs_outlive_the_job_they_came_from(database: Database, make: Maker) -> None:
    first, second = make.claimed(), make.claimed()
    join(database, first)
    end(database, first)
    database.steps.reuse(second.id, make.token(second), join_result(database, second))
    end_job(database, first.job_id)

    database.jobs.delete(first.job_id)

    assert [file.sha256 for file in database.steps.outputs_of(second.id)] == [OUTPUT.sha256]
    assert join(database, make.claimed()) == Reused(second.id)


def test_result_that_was_deleted_is_not_reused(database: Database, make: Maker) -> None:
    first, second = make.claimed(), make.claimed()
    join(database, first)
    end(database, first)
    found = join_result(database, second)
    end_job(database, first.job_id)
    database.jobs.delete(first.job_id)

    with pytest.raises(NotFound, match="join again"):
        database.steps.reuse(second.id, make.token(second), found)

    assert join(database, second) == Own()
    assert database.steps.get(second.id).reused_from is None


@pytest.mark.parametrize("state", sorted(ENDED - {State.SUCCEEDED}))
def test_only_success_is_reused(database: Database, make: Maker, state: State) -> None:
    first, second = make.claimed(), make.claimed()
    join(database, first)
    end(database, first, state)

    assert join(database, second) == Own()
    with pytest.raises(NotFound):
        database.steps.reuse(second.id, make.token(second), first.id)


def test_fresh_step_computes_again_but_not_at_the_same_time(database: Database, make: Maker) -> None:
    first, second, third = make.claimed(), make.claimed(), make.claimed()
    join(database, first)
    end(database, first)

    assert join(database, second, JoinMode.FRESH) == Own()
    assert join(database, third, JoinMode.FRESH) == Waits(second.id)


def test_other_keys_do_not_meet(database: Database, make: Maker) -> None:
    first, second = make.claimed(), make.claimed()

    assert join(database, first, key="1" * 64) == Own()
    assert join(database, second, key="2" * 64) == Own()


def test_racing_equal_steps_are_computed_once(database: Database, make: Maker, together: Together) -> None:
    claimed = [make.claimed() for _ in range(8)]

    joined = together(8, lambda number: join(database, claimed[number]))

    (owner,) = (step for step, outcome in zip(claimed, joined, strict=True) if outcome == Own())
    assert [outcome for outcome in joined if outcome != Own()] == [Waits(owner.id)] * 7


def test_engines_that_race_through_equal_steps_compute_each_key_once(
    database: Database, make: Maker, together: Together
) -> None:
    for _ in range(4):
        make.stored(*(make.step(f"s{number}", process=f"p{number % 3}") for number in range(9)))
    computed: list[str] = []

    def work(number: int) -> None:
        while any(step.state not in ENDED for step in all_steps()):
            for step in database.steps.claim(f"engine {number}", ["local"], 2, 30):
                outcome = join(database, step, key=step.process)
                if outcome == Own():
                    computed.append(step.process)
                    end(database, make.running(step, key=step.process))
                elif isinstance(outcome, Reused):
                    database.steps.reuse(step.id, make.token(step), outcome.step_id)

    def all_steps() -> list[StepRow]:
        return [step for job_id, _ in database.jobs.due(10) for step in database.steps.of_job(job_id)]

    together(6, work)

    assert sorted(computed) == ["p0", "p1", "p2"]
    assert len([step for step in all_steps() if step.reused_from]) == 33
    assert holders(database) == []


@pytest.mark.parametrize("state", sorted(ENDED))
def test_parked_step_is_claimable_when_its_holder_ends(
    database: Database, holder_and_parked: tuple[StepRow, StepRow], state: State
) -> None:
    holder, parked = holder_and_parked

    end(database, holder, state)

    (freed,) = claim(database)
    assert (freed.id, freed.waits_for, freed.message) == (parked.id, None, "")
    assert join(database, freed) == (Reused(holder.id) if state == State.SUCCEEDED else Own())


def test_parked_step_is_claimable_when_its_holder_is_requeued(
    database: Database, make: Maker, holder_and_parked: tuple[StepRow, StepRow]
) -> None:
    holder, parked = holder_and_parked

    database.steps.requeue(holder.id, make.token(holder), Reason.LOST, "it is gone", delay_seconds=600)

    (freed,) = claim(database)
    assert freed.id == parked.id
    assert join(database, freed) == Own()


def test_parked_step_is_claimable_when_its_holder_is_released(
    database: Database, make: Maker, holder_and_parked: tuple[StepRow, StepRow]
) -> None:
    holder, parked = holder_and_parked

    database.steps.release(holder.id, make.token(holder), delay_seconds=600)

    assert [step.id for step in claim(database)] == [parked.id]


def test_parked_step_is_claimable_when_its_holder_is_cancelled_and_deleted(
    database: Database, make: Maker, holder_and_parked: tuple[StepRow, StepRow]
) -> None:
    holder, parked = holder_and_parked
    database.jobs.request_cancel(holder.job_id)
    database.steps.requeue(holder.id, make.token(holder), Reason.LOST, "it is gone")
    end_job(database, holder.job_id)

    database.jobs.delete(holder.job_id)

    assert [step.id for step in claim(database)] == [parked.id]


def test_parked_step_is_claimable_when_its_holder_turns_to_another_key(
    database: Database, holder_and_parked: tuple[StepRow, StepRow]
) -> None:
    holder, parked = holder_and_parked

    assert join(database, holder, key="f" * 64) == Own()

    assert [step.id for step in claim(database)] == [parked.id]


def test_holder_keeps_its_key_when_it_is_taken_over(
    database: Database, holder_and_parked: tuple[StepRow, StepRow]
) -> None:
    holder, parked = holder_and_parked
    database.steps.leave("engine")
    (taken,) = database.steps.take_over("other", {"local": "here"}, 30)

    assert taken.id == holder.id
    assert join(database, taken) == Own()
    assert database.steps.get(parked.id).waits_for == KEY


def test_parked_step_is_cancelled_with_its_job(database: Database, holder_and_parked: tuple[StepRow, StepRow]) -> None:
    holder, parked = holder_and_parked

    database.jobs.request_cancel(parked.job_id)
    end(database, holder)

    assert database.steps.get(parked.id).state == State.CANCELLED
    assert claim(database) == []


def test_step_of_a_cancelled_job_is_cancelled_instead_of_parked(database: Database, make: Maker) -> None:
    holder, second = make.claimed(), make.claimed()
    join(database, holder)
    database.jobs.request_cancel(second.job_id)

    join(database, second)

    assert database.steps.get(second.id).state == State.CANCELLED


def test_parked_steps_keep_their_priority(database: Database, make: Maker) -> None:
    holder = make.claimed()
    low, high = make.claimed(), make.claimed(priority=9)
    for step in (holder, low, high):
        join(database, step)

    end(database, holder)

    assert [step.id for step in claim(database)] == [high.id, low.id]


def join_result(database: Database, step: StepRow) -> str:
    """Join and return the step whose result may be taken."""
    joined = join(database, step)
    assert isinstance(joined, Reused)
    return joined.step_id
