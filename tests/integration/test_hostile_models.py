"""MathProg can name any file for reading and writing; on no executor does a model get at what is not its own."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from calculation_engine.client import Job
from calculation_engine.engine.steps.paths import step_log
from calculation_engine.states import Reason, State
from tests.integration.place import Place, open_place, until

EXECUTORS = [
    pytest.param("local", marks=pytest.mark.needs("bubblewrap")),
    pytest.param("docker", marks=pytest.mark.needs("docker")),
]
SECRET = f"secret{uuid4().hex}"
TABLE = f"VALUE,secret\n1,{SECRET}\n"

READ = "set S; param a{{S}}, symbolic; table t IN {driver}: S <- [VALUE], a ~ secret; display a;"
#: What a model tries to read; each word in braces is a path or number of the fixture.
READS = {
    "a file of this machine": '"CSV" "{outside}/secret.csv"',
    "a file that the data section names": '"CSV" named',
    "a file by going up": '"CSV" "../../../../../../../../../..{outside}/secret.csv"',
    "a file by the driver of dBase": '"xBASE" "{outside}/secret.csv"',
    "the users of this machine": '"CSV" "/etc/passwd"',
    "the passwords of this machine": '"CSV" "/etc/shadow"',
    "the input of another job": '"CSV" "{victim}"',
    "the store": '"CSV" "{stored}"',
    "the log of another job": '"CSV" "{log}"',
    "the database": '"CSV" "{data}/calculation-engine.sqlite"',
    "the environment of the engine": '"CSV" "/proc/{pid}/environ"',
    "the environment of what started it": '"CSV" "/proc/1/environ"',
    "the memory of the engine": '"CSV" "/proc/{pid}/mem"',
    "the files of the engine through its root": '"CSV" "/proc/{pid}/root{outside}/secret.csv"',
    "a database by ODBC": '"iODBC" "DRIVER=x;DATABASE={outside}/secret.csv" "SELECT * FROM t"',
    "a database by MySQL": '"MySQL" "Database=x" "SELECT * FROM t"',
}
WRITE = "set I := 1..2; {statement};"
#: What a model tries to write.
WRITES = {
    "a file of this machine": 'printf "evil" > "{outside}/evil"',
    "over a file of this machine": 'printf "evil" > "{outside}/secret.csv"',
    "after a file of this machine": 'printf "evil" >> "{outside}/secret.csv"',
    "a file by going up": 'printf "evil" > "../../../../../../../../../..{outside}/evil"',
    "beside its working folder": 'printf "evil" > "../../evil"',
    "a table of this machine": 'table t{{i in I}} OUT "CSV" "{outside}/evil.csv": i',
    "a table of dBase of this machine": 'table t{{i in I}} OUT "xBASE" "{outside}/evil.dbf" "N(5)": i',
    "the input of another job": 'printf "evil" > "{victim}"',
    "the output of another job": 'printf "evil" > "{job}/output/table.csv"',
    "the store": 'printf "evil" > "{stored}"',
    "the log of another job": 'printf "evil" >> "{log}"',
    "the database": 'printf "evil" >> "{data}/calculation-engine.sqlite"',
    "the code of its module": 'printf "evil" > "/opt/images/glpk/run.py"',
    "the memory of the engine": 'printf "evil" > "/proc/{pid}/mem"',
    # One that is each sandbox's own, so that this machine stays as it is where the test fails.
    "a setting of the kernel": 'printf "evil" > "/proc/sys/kernel/domainname"',
}
#: What may look like a command.
SHELLS = ["| touch {outside}/evil", "|touch evil", "evil; touch evil2", "$(touch evil)", "`touch evil`"]


@dataclass(frozen=True)
class Scene:
    """A system in which another's job runs, and a secret beside it."""

    place: Place
    executor: str
    outside: Path
    words: dict[str, str]

    def attack(self, statement: str) -> Job:
        """Run a model with that statement."""
        words = self.words
        named = f'param named, symbolic := "{words["outside"]}/secret.csv";'
        declared = "param named, symbolic;" if "named" in statement else ""
        data = f"data; {named}" if declared else ""
        model = f"var x >= 1;\nminimize z: x;\n{declared}\n{statement.format(**words)}\nsolve;\n{data}\nend;\n"
        return self.place.run("glpk", executor=self.executor, inputs={"model": model})

    def snapshot(self) -> dict[str, str]:
        """Return the content of everything that an attack may aim at."""
        folders = [self.place.data_dir / name for name in ("store", "work")]
        paths = [*self.outside.iterdir(), *(path for folder in folders for path in folder.rglob("*"))]
        files = {str(path): path.read_bytes() for path in [*paths, Path(self.words["log"])] if path.is_file()}
        return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


@pytest.fixture(scope="module", params=EXECUTORS)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    # Not below /tmp, which a step has of its own, and short, for MathProg's texts have at most 100 characters.
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp", prefix="") as name,
        open_place(Path(name) / "data", steps_at_once=2) as place,
    ):
        outside = Path(name)
        (outside / "secret.csv").write_text(TABLE)
        victim = place.submit("probe", executor=request.param, config={"sleep": 600}, inputs={"table": TABLE})
        until(lambda: "50%" in victim.log())
        step = victim.refresh().steps[0]
        data = place.data_dir
        staged = next(iter(data.glob("work/*/job/input/table.csv")), data / "work/0/job/input/table.csv")
        digest = hashlib.sha256(TABLE.encode()).hexdigest()
        words = {
            "outside": str(outside),
            "job": str(staged.parents[1]),
            "victim": str(staged),
            "stored": str(data / "store" / digest[:2] / digest[2:]),
            "log": str(step_log(data, step.id)),
            "data": str(data),
            "pid": str(os.getpid()),
        }
        yield Scene(place, request.param, outside, words)
        assert victim.refresh().state is State.RUNNING
        victim.cancel().wait(30)
        assert victim.state is State.CANCELLED
        until(lambda: place.everything() == [])


@pytest.mark.parametrize("target", READS)
def test_a_model_cannot_read(scene: Scene, target: str) -> None:
    driver = READS[target]

    job = scene.attack(READ.replace("{driver}", driver))

    assert (job.state, job.reason) == (State.FAILED, Reason.INPUT_INVALID)
    told = job.message + job.log() + "".join(job.results.read(name).decode() for name in job.results)
    assert SECRET not in told
    assert not re.search(r"root:[^:]*:0:0", told)
    assert re.search(r", line \d+: \w", job.message)


@pytest.mark.parametrize("target", WRITES)
def test_a_model_cannot_write(scene: Scene, target: str) -> None:
    before = scene.snapshot()

    job = scene.attack(WRITE.replace("{statement}", WRITES[target]))

    assert (job.state, job.reason) == (State.FAILED, Reason.INPUT_INVALID)
    assert "model.txt, line 4: " in job.message
    assert "a model can read ../input and write below its output folder" in job.message
    after = scene.snapshot()
    assert {path: after[path] for path in before} == before
    assert {path for path in after.keys() - before.keys() if "/store/" not in path} == set()


@pytest.mark.parametrize("name", SHELLS)
def test_a_name_that_looks_like_a_command_is_a_name(scene: Scene, name: str) -> None:
    job = scene.attack(f'printf "text" > "{name}";')

    assert not (scene.outside / "evil").exists()
    if "/" in name:
        assert (job.state, job.reason) == (State.FAILED, Reason.INPUT_INVALID)
        assert "No such file or directory" in job.message
        return
    assert job.state is State.SUCCEEDED
    assert job.results.read(f"glpk/output/{name}") == b"text"
    assert {path for path in job.results if "evil" in path} == {f"glpk/output/{name}"}


def test_a_model_that_spoils_its_own_files_spoils_its_own_run_alone(scene: Scene) -> None:
    before = scene.snapshot()

    job = scene.attack('printf "code: 200" > "status.yaml"; printf "{{}}" > "../input/config.yaml"; check 1 > 2;')

    assert (job.state, job.reason) == (State.FAILED, Reason.INPUT_INVALID)
    after = scene.snapshot()
    assert {path: after[path] for path in before} == before
