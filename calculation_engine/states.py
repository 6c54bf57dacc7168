"""States of jobs and steps, why they ended, and what a solver said: three fields that are never mixed."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a job or a step stands."""

    QUEUED = "queued"  #: stored, not started
    RUNNING = "running"  #: started, not ended
    SUCCEEDED = "succeeded"  #: ended with its results
    FAILED = "failed"  #: ended without its results; see ``reason``
    CANCELLED = "cancelled"  #: ended because somebody asked for it


class Reason(StrEnum):
    """Why a job or a step failed, or was cancelled."""

    EXIT_CODE = "exit_code"  #: the program ended with a code other than 0
    OUT_OF_MEMORY = "out_of_memory"  #: it needed more memory than its limit
    TIME_LIMIT = "time_limit"  #: it ran longer than its limit
    DISK_LIMIT = "disk_limit"  #: its files or its log grew over their limit
    INPUT_INVALID = "input_invalid"  #: the module refused its input (status code 4xx)
    NO_SOLUTION = "no_solution"  #: the model has no solution: see the verdict
    OUTPUT_MISSING = "output_missing"  #: a declared output, or the status file, is absent or wrong
    IMAGE_MISSING = "image_missing"  #: the module's image is not there and could not be made
    ENVIRONMENT_FAILED = "environment_failed"  #: the module's local environment could not be made
    NOT_REPRODUCED = "not_reproduced"  #: computed anew to be compared, its result differs from the stored one
    MODULE_ERROR = "module_error"  #: the module says that it failed itself (status code 5xx)
    LOST = "lost"  #: what ran is gone without a record of its end, more often than is retried
    STEP_FAILED = "step_failed"  #: a job's word: several of its steps failed; the message names them
    LOOP_FAILED = "loop_failed"  #: a loop could not begin, or its models failed too often in a row
    STALLED = "stalled"  #: a loop came no nearer to agreement
    NOISE_FLOOR = "noise_floor"  #: what is left between a loop's models is noise of their solvers
    MAX_EVALUATIONS = "max_evaluations"  #: a loop reached its limit of evaluations before agreement
    CANCELLED = "cancelled"  #: a user asked for it, or the step's group stops after a failure: see the message
    SUPERSEDED = "superseded"  #: a newer job took over its slot
    ENGINE_ERROR = "engine_error"  #: the engine is at fault; its log has the traceback under the id in the message


class SolverStatus(StrEnum):
    """What a solver says of the problem it was given."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"  #: a solution without a proof that none is better
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INFEASIBLE_OR_UNBOUNDED = "infeasible_or_unbounded"
    TIME_LIMIT = "time_limit"
    ITERATION_LIMIT = "iteration_limit"
    UNKNOWN = "unknown"


#: The states that may follow each state. A step whose attempt was lost goes back to the queue.
NEXT: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.RUNNING, State.SUCCEEDED, State.FAILED, State.CANCELLED}),
    State.RUNNING: frozenset({State.QUEUED, State.SUCCEEDED, State.FAILED, State.CANCELLED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}

#: States that nothing follows.
ENDED = frozenset(state for state, following in NEXT.items() if not following)
