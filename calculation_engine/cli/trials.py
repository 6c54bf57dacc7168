"""``calculation-engine module test``: a module's cases, run and compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calculation_engine.cli.options import AsJson, example
from calculation_engine.cli.output import duration, print_json, print_table, say
from calculation_engine.cli.session import embedded_client, server_part, settings_of
from calculation_engine.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from calculation_engine.client import Client, Job
    from calculation_engine.modules.cases import Case
    from calculation_engine.modules.catalogue import Catalogue, Module

#: Below the data folder: environments stay for the next time, and no result of a real job is taken for one of a trial.
_FOLDER = "trials"


@dataclass(frozen=True)
class Trial:
    """How one case went."""

    module: str
    case: str
    executor: str
    passed: bool
    time: str
    differences: list[str]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("test", epilog=example("calculation-engine module test heat_pump"))(run_cases)


def run_cases(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Modules; default: all.")] = None,
    *,
    executor: Annotated[
        str | None, typer.Option(envvar="CE_EXECUTOR", help="Where the cases run: local, docker.")
    ] = None,
    case: Annotated[str | None, typer.Option(metavar="CASE", help="Only the case of this name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run modules' cases and compare what comes out with what is expected.

    Ends with exit code 1 when a case is not as expected.
    """
    with server_part():
        from calculation_engine.modules.catalogue import Catalogue
    settings = settings_of({"executor": executor})
    catalogue = Catalogue(settings.module_path)
    modules, faulty = _usable(catalogue, names or catalogue.names(), settings.executor)
    own = settings.model_copy(update={"data_dir": settings.data_dir / _FOLDER, "database": None, "database_file": None})
    trials = faulty
    if modules:
        with embedded_client(own, engine=True) as client:
            trials += _trials(client, modules, case, settings.executor)
    if as_json:
        print_json([asdict(trial) for trial in trials])
    else:
        rows = [
            (t.module, t.case, "passed" if t.passed else "FAILED", t.time, "; ".join(t.differences)) for t in trials
        ]
        print_table(("module", "case", "", "time", "differences"), rows)
    if not all(trial.passed for trial in trials):
        raise typer.Exit(1)


def _usable(catalogue: Catalogue, names: Sequence[str], executor: str) -> tuple[list[Module], list[Trial]]:
    """Return the modules that can run, and of each other one a trial that failed and says why.

    Raises:
        NotFound: there is no module of a name.
    """
    from calculation_engine.modules.catalogue import MANIFEST

    modules: list[Module] = []
    faulty: list[Trial] = []
    for name in names:
        try:
            modules.append(catalogue.get(name))
        except InvalidInput as error:
            told = [str(fault) for fault in error.faults] or [str(error)]
            faulty.append(Trial(name, MANIFEST, executor, passed=False, time="", differences=told))
    return modules, faulty


def _trials(client: Client, modules: Sequence[Module], only: str | None, executor: str) -> Iterator[Trial]:
    """Run the chosen cases, all at once as far as the engine has room, and yield them in order.

    Raises:
        NotFound: no case has the name that was asked for.
        InvalidInput: a case has faults.
    """
    from calculation_engine.modules.cases import load_case

    chosen = [(m, load_case(folder)) for m in modules for folder in m.cases if only in {None, folder.name}]
    if not chosen:
        known = sorted({folder.name for module in modules for folder in module.cases})
        message = f"there is no case {only!r}" if only else "the modules have no cases"
        raise NotFound(message, hint=f"there are: {', '.join(known)}" if known else None)
    jobs = [_submit(client, module, case) for module, case in chosen]
    try:
        for (module, case), job in zip(chosen, jobs, strict=True):
            trial = _judge(module, case, job, executor)
            say(f"{trial.module} {trial.case}: {_word(trial)}")
            yield trial
    finally:
        for job in jobs:
            if not isinstance(job, InvalidInput):
                _discard(job)


def _word(trial: Trial) -> str:
    return "passed" if trial.passed else "FAILED"


def _submit(client: Client, module: Module, case: Case) -> Job | InvalidInput:
    """Return the case's job, or why it was refused before it ran."""
    inputs = {label: case.folder / path for label, path in case.content.inputs.items()}
    name = f"{module.manifest.name} {case.name}"
    try:
        return client.submit(module=module.manifest.name, config=case.content.config, inputs=inputs, name=name)
    except InvalidInput as error:
        return error


def _judge(module: Module, case: Case, job: Job | InvalidInput, executor: str) -> Trial:
    from calculation_engine.modules.cases import compare

    if isinstance(job, InvalidInput):
        # Where the module would refuse its input, a refusal before it runs says the same, earlier.
        expected = 400 <= case.content.expect.code < 500
        return Trial(module.manifest.name, case.name, executor, expected, "", [] if expected else [str(job)])
    job.wait()
    with tempfile.TemporaryDirectory() as folder:
        job.results.save(folder)
        differences = [str(difference) for difference in compare(case, Path(folder) / job.steps[0].path / "output")]
    if differences and case.content.expect.code == 200:
        differences += [step.message for step in job.steps if step.message]
    took = duration(job.summary.started, job.summary.ended)
    return Trial(module.manifest.name, case.name, executor, not differences, took, differences)


def _discard(job: Job) -> None:
    """Delete a trial's job, so that the next trial computes its result instead of taking this one."""
    if not job.refresh().ended:
        job.cancel()
        job.wait()
    job.delete()
