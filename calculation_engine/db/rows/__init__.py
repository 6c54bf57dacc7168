"""What is written to the database and what comes back: plain frozen values, times aware and in UTC."""

from __future__ import annotations

from calculation_engine.db.rows.history import NewRun, RunRow, StoredResult
from calculation_engine.db.rows.jobs import EventRow, JobChange, JobFilter, JobRow, NewJob
from calculation_engine.db.rows.joining import Joined, JoinMode, Own, Reused, Waits
from calculation_engine.db.rows.names import names_of
from calculation_engine.db.rows.queue import Claim, EngineRow, Held, Room, Standing
from calculation_engine.db.rows.steps import (
    AttemptRow,
    NewOutput,
    NewStep,
    OutputFile,
    Requeue,
    StepEnd,
    StepRow,
    StepTold,
    attempt_id,
)
from calculation_engine.db.rows.sweeps import RowEnd, SweepChange, SweepEnd, SweepStand
from calculation_engine.db.rows.uploads import NewUpload, UploadRow

__all__ = [
    "AttemptRow",
    "Claim",
    "EngineRow",
    "EventRow",
    "Held",
    "JobChange",
    "JobFilter",
    "JobRow",
    "JoinMode",
    "Joined",
    "NewJob",
    "NewOutput",
    "NewRun",
    "NewStep",
    "NewUpload",
    "OutputFile",
    "Own",
    "Requeue",
    "Reused",
    "Room",
    "RowEnd",
    "RunRow",
    "Standing",
    "StepEnd",
    "StepRow",
    "StepTold",
    "StoredResult",
    "SweepChange",
    "SweepEnd",
    "SweepStand",
    "UploadRow",
    "Waits",
    "attempt_id",
    "names_of",
]
