"""All routes of the API: addresses, checks and the OpenAPI document come from this table."""

from __future__ import annotations

from functools import partial

from calculation_engine.api import (
    attempts,
    crates,
    events,
    health,
    jobdiff,
    joblog,
    jobs,
    modules,
    results,
    slots,
    solve,
    uploads,
    why,
    workflow,
)
from calculation_engine.api.problems import PROBLEM_TYPE
from calculation_engine.api.routes import PREFIX, Returns, Route, Takes
from calculation_engine.schemas.files import ResultFile, Upload
from calculation_engine.schemas.job import AttemptPage, JobPage, JobRequest, JobView, SlotPage, SlotView
from calculation_engine.schemas.jobdiff import JobDiff
from calculation_engine.schemas.provenance import Provenance
from calculation_engine.schemas.why import JobWhy

_JOBS = f"{PREFIX}/job"
_JOB = f"{PREFIX}/job/{{id}}"
_JOB_BODY = Takes((JobRequest, jobs.ModuleJob, jobs.FlowJob), form=True)
_STORED_JOB = Returns("The job is stored; `Location` is its address.", JobView)
_UPLOAD = Returns("The upload; jobs name it by its `uuid`.", Upload)
_RANGE = "The range that was asked for."
_TEXT = "text/plain"
_SOLVED = {
    200: Returns("It succeeded: the job; `links.results` lists its results.", JobView),
    202: Returns("It goes on: the job as it stands; `Location` is its address.", JobView),
    409: Returns("The job was cancelled.", solve.JobProblem, media_type=PROBLEM_TYPE),
    422: Returns(
        "The request is wrong; or the job failed by its input or limits, then `reason` and `job` are there.",
        solve.JobProblem,
        media_type=PROBLEM_TYPE,
    ),
    500: Returns("The job failed, and the request is not the cause.", solve.JobProblem, media_type=PROBLEM_TYPE),
}

_job = partial(Route, tag="jobs", short=True)
_result = partial(Route, "GET", tag="results", short=True)
_slot = partial(Route, tag="slots", path_help={"path": "Name of the slot; a slash in it may stand as it is."})
_module = partial(Route, tag="modules")
_workflow = partial(Route, tag="workflows")
_upload = partial(Route, tag="uploads")
_health = partial(Route, "GET", tag="health")

ROUTES = [
    _job(
        "PUT",
        _JOBS,
        jobs.submit_job,
        summary="Run a job",
        takes=_JOB_BODY,
        returns={201: _STORED_JOB},
    ),
    _job(
        "GET",
        _JOBS,
        jobs.list_jobs,
        summary="List jobs",
        query=jobs.JobQuery,
        returns={200: Returns("One page of jobs.", JobPage)},
    ),
    _job(
        "POST",
        f"{_JOBS}/import",
        crates.import_job,
        summary="Take a job in from its crate",
        takes=Takes(file=True),
        returns={200: Returns("It is here already.", JobView), 201: _STORED_JOB},
    ),
    _job(
        "PUT",
        _JOB,
        jobs.put_job,
        summary="Run a job under an id of your own",
        takes=_JOB_BODY,
        returns={200: Returns("The same job was stored before.", JobView), 201: _STORED_JOB},
    ),
    _job("GET", _JOB, jobs.show_job, summary="Show a job", returns={200: Returns("The job.", JobView)}),
    _job(
        "DELETE",
        _JOB,
        jobs.delete_job,
        summary="Delete an ended job",
        returns={204: Returns("It is deleted; its address answers 410 from now on.")},
    ),
    _job(
        "POST",
        f"{_JOB}/cancel",
        jobs.cancel_job,
        summary="End a job",
        returns={200: Returns("It has ended.", JobView), 202: Returns("It is being ended.", JobView)},
    ),
    _job(
        "POST",
        f"{_JOB}/rerun",
        jobs.rerun_job,
        summary="Repeat a job exactly",
        returns={201: _STORED_JOB},
    ),
    _job(
        "GET",
        f"{_JOB}/log",
        joblog.show_log,
        summary="Show what a job prints",
        query=joblog.LogQuery,
        returns={200: Returns("The log, or its end.", media_type=_TEXT), 206: Returns(_RANGE, media_type=_TEXT)},
    ),
    _job(
        "GET",
        f"{_JOB}/events",
        events.stream_events,
        summary="Watch a job",
        returns={
            200: Returns("Server-sent events; each has an `Event` as data.", media_type=events.EVENT_TYPE),
            204: Returns("The job has ended, and nothing happened since `Last-Event-ID`."),
        },
    ),
    _job(
        "GET",
        f"{_JOB}/why",
        why.show_why,
        summary="Ask why steps were computed or reused",
        query=why.WhyQuery,
        returns={200: Returns("Why, step by step; one page.", JobWhy)},
    ),
    _job(
        "GET",
        f"{_JOB}/attempts",
        attempts.list_attempts,
        summary="List the attempts of a job's steps",
        query=attempts.AttemptQuery,
        returns={200: Returns("One page of attempts.", AttemptPage)},
    ),
    _job(
        "GET",
        f"{_JOB}/diff/{{other}}",
        jobdiff.show_diff,
        summary="Compare two jobs",
        query=jobdiff.DiffQuery,
        returns={200: Returns("What differs; `a` is the first job, `b` the other.", JobDiff)},
    ),
    _result(
        f"{_JOB}/provenance",
        crates.show_provenance,
        summary="Ask what made a job's results",
        returns={200: Returns("All of it.", Provenance)},
    ),
    _result(
        f"{_JOB}/crate.zip",
        crates.send_crate,
        summary="Export a job",
        query=crates.CrateQuery,
        returns={200: Returns("A Workflow Run RO-Crate.", media_type="application/zip")},
    ),
    _slot(
        "GET",
        f"{PREFIX}/slot",
        slots.list_slots,
        summary="List slots",
        query=slots.SlotQuery,
        returns={200: Returns("One page of slots.", SlotPage)},
    ),
    _slot(
        "GET",
        f"{PREFIX}/slot/{{path}}",
        slots.show_slot,
        summary="Show a slot",
        returns={200: Returns("Its newest job and its last result.", SlotView)},
    ),
    _result(
        f"{_JOB}/results",
        results.list_results,
        summary="List a job's results",
        returns={200: Returns("All files that its steps have left so far.", ResultFile, many=True)},
    ),
    _result(
        f"{_JOB}/results.zip",
        results.send_archive,
        summary="Get all results",
        returns={200: Returns("All results, logs and the job itself.", media_type="application/zip")},
    ),
    _result(
        f"{_JOB}/results/{{path}}",
        results.send_result,
        summary="Get one result",
        returns={
            200: Returns("The file.", media_type="*/*"),
            206: Returns(_RANGE, media_type="*/*"),
            304: Returns("The file is still the one of `If-None-Match`."),
        },
    ),
    _module(
        "GET",
        f"{PREFIX}/module",
        modules.list_modules,
        summary="List modules",
        returns={200: Returns("All modules.", modules.ModuleSummary, many=True)},
    ),
    _module(
        "GET",
        f"{PREFIX}/module/{{name}}",
        modules.show_module,
        summary="Show a module",
        returns={200: Returns("Its manifest and config schema.", modules.ModuleView)},
    ),
    _module(
        "GET",
        f"{PREFIX}/solve/{{name}}",
        solve.run_default,
        summary="Run a module without input, and wait",
        query=solve.SolveQuery,
        returns=_SOLVED,
        safe=False,
    ),
    _module(
        "POST",
        f"{PREFIX}/solve/{{name}}",
        solve.run_module,
        summary="Run a module, and wait",
        query=solve.SolveQuery,
        takes=Takes((jobs.SolveRequest,), form=True, required=False),
        returns=_SOLVED,
    ),
    _workflow(
        "GET",
        f"{PREFIX}/workflow/schema",
        workflow.show_schema,
        summary="Get the workflow language",
        returns={200: Returns("JSON Schema (2020-12) of workflow files.", media_type=workflow.SCHEMA_TYPE)},
    ),
    _workflow(
        "POST",
        f"{PREFIX}/workflow/check",
        workflow.check_workflow,
        summary="Check a job without running it",
        takes=Takes((JobRequest, jobs.ModuleJob, jobs.FlowJob)),
        returns={200: Returns("All that is wrong with it.", workflow.WorkflowCheck)},
    ),
    _upload(
        "PUT",
        f"{PREFIX}/upload",
        uploads.put_upload,
        summary="Send a file",
        query=uploads.UploadQuery,
        takes=Takes(form=True, form_document=False, file=True),
        returns={201: _UPLOAD},
    ),
    _upload(
        "GET",
        f"{PREFIX}/upload",
        uploads.list_uploads,
        summary="List uploads",
        query=uploads.PageQuery,
        returns={200: Returns("One page of uploads.", uploads.UploadPage)},
    ),
    _upload("GET", f"{PREFIX}/upload/{{id}}", uploads.show_upload, summary="Show an upload", returns={200: _UPLOAD}),
    _upload(
        "DELETE",
        f"{PREFIX}/upload/{{id}}",
        uploads.delete_upload,
        summary="Delete an upload",
        returns={204: Returns("It is deleted.")},
    ),
    _health(
        "/healthz",
        health.healthz,
        summary="Ask whether the process answers",
        returns={200: Returns("It does.", health.Health)},
        open=True,
    ),
    _health(
        "/readyz",
        health.readyz,
        summary="Ask whether jobs can be run",
        returns={
            200: Returns("They can.", health.Readiness),
            503: Returns("They cannot: what is missing.", health.Readiness),
        },
        open=True,
    ),
    _health(
        "/metrics",
        health.show_metrics,
        summary="Get metrics",
        returns={200: Returns("Metrics in the text format of Prometheus.", media_type=_TEXT)},
    ),
]
