"""What is the local executor's own: environments, the shim, and steps without a sandbox."""

import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from calculation_engine.errors import AttemptLost, EnvironmentFailed, ExecutorUnavailable, InvalidInput
from calculation_engine.executors import _landlock, _shims, _watch
from calculation_engine.executors.registry import executor_names, make_executor
from calculation_engine.states import Reason
from tests.contract.executor_bench import Bench, find_processes, read, until


@pytest.fixture(scope="module", params=["auto", "landlock", "off"])
def local(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The local executor with each sandbox and without."""
    bench = Bench("local", tmp_path_factory.mktemp("local"), {"sandbox": request.param})
    yield bench
    for attempt_id in bench.executor.leftovers():
        bench.executor.remove_leftover(attempt_id)


def find_shim(handle: str) -> int:
    return int(handle.rpartition(":")[2])


# Registry


def test_registry_names_local_and_refuses_others_with_what_there_is(tmp_path: Path) -> None:
    assert "local" in executor_names()
    assert not {"base", "registry", "_shim"} & set(executor_names())
    with pytest.raises(InvalidInput, match="local"):
        make_executor("base", {}, tmp_path)


def test_registry_tells_every_wrong_option(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        make_executor("local", {"sandbox": "maybe", "sandpit": 1}, tmp_path)
    assert {fault.path for fault in caught.value.faults} == {"executors.local.sandbox", "executors.local.sandpit"}


# Environments


def test_environment_is_made_once_when_many_ask(tmp_path: Path) -> None:
    bench = Bench("local", tmp_path)
    said: list[str] = []
    with ThreadPoolExecutor(5) as pool:
        prepared = list(pool.map(lambda _: bench.another().prepare(bench.program(), said.append), range(5)))
    assert len(set(prepared)) == 1
    assert len([line for line in said if line.startswith("making the environment")]) == 1


def test_environment_that_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    bench = Bench("local", tmp_path)
    identity = bench.executor.environment_id(bench.program())
    folder = tmp_path / "data" / "local" / "environments" / identity
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text("half of it")
    bench.executor.prepare(bench.program(), lambda _: None)
    assert bench.run(bench.task("leave", "0")).exit_code == 0


def test_environment_differs_by_lock_file_and_not_by_code(tmp_path: Path) -> None:
    bench = Bench("local", tmp_path)
    locks = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for lock in locks:
        lock.write_text(f"# {lock.name}\n")
    ids = [bench.executor.environment_id(replace(bench.program(), requirements=lock)) for lock in locks]
    assert len(set(ids)) == 2
    assert bench.executor.environment_id(replace(bench.program(), requirements=locks[0], content_hash="0")) == ids[0]


def test_environment_that_cannot_be_made_tells_why_and_what_to_do(tmp_path: Path) -> None:
    bench = Bench("local", tmp_path)
    lock = tmp_path / "requirements.txt"
    lock.write_text("no-such-package @ file:///no/such/file.whl\n")
    with pytest.raises(EnvironmentFailed, match="no/such/file") as caught:
        bench.executor.prepare(replace(bench.program(), requirements=lock), lambda _: None)
    assert "lock file" in str(caught.value.hint)


def test_python_of_pyenv_is_found_without_its_shims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench("local", tmp_path)
    for name in ("3.97.10", "3.97.9", "3.9.70"):
        (tmp_path / ".pyenv" / "versions" / name / "bin").mkdir(parents=True)
    (tmp_path / ".pyenv" / "versions" / "3.97.10" / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    monkeypatch.setenv("HOME", str(tmp_path))
    prepared = bench.executor.prepare(replace(bench.program(), python="3.97"), lambda _: None)
    assert prepared.environment_id.startswith(f"python-{platform.python_version()}-")


def test_python_that_nobody_has_is_told(tmp_path: Path) -> None:
    bench = Bench("local", tmp_path)
    with pytest.raises(EnvironmentFailed, match=r"Python 3\.99"):
        bench.executor.prepare(replace(bench.program(), python="3.99"), lambda _: None)


def test_program_without_python_runs_as_it_is(local: Bench) -> None:
    task = local.task()
    shell = replace(task.program, command=("/bin/sh", "-c", "pwd; echo $HOME; ls"), python=None, content_hash="shell")
    task = replace(task, program=shell)
    assert local.run(task).exit_code == 0
    folder = read(task.log).splitlines()[0]
    assert read(task.log).splitlines() == [folder, folder, b"input", b"output"]


def test_edit_of_a_module_does_not_change_what_was_prepared(tmp_path: Path) -> None:
    bench = Bench("local", tmp_path / "bench")
    folder = tmp_path / "probe"
    folder.mkdir()
    (folder / "run.py").write_text("print('as it was')")
    task = bench.task()
    task = replace(task, program=replace(task.program, folder=folder, content_hash="edited"))
    bench.executor.prepare(task.program, lambda _: None)
    (folder / "run.py").write_text("print('edited')")
    bench.run(task)
    assert read(task.log) == b"as it was\n"


# The shim


def test_shim_imports_nothing_slow() -> None:
    start = _shims._START.replace("main(int(sys.argv[2]))", "print(*sys.modules)")
    words = [sys.executable, "-I", "-S", "-c", start, _shims._PACKAGE]
    loaded = set(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split())
    assert "calculation_engine.executors._shim" in loaded
    assert not loaded & {"json", "pathlib", "typing", "subprocess", "logging", "pydantic", "dataclasses"}


def test_step_is_started_when_somebody_killed_what_starts_shims(local: Bench) -> None:
    assert local.run(local.task("leave", "0")).exit_code == 0
    [server] = [child for child in psutil.Process().children() if "_shim_server" in " ".join(child.cmdline())]
    server.kill()
    assert local.run(local.task("leave", "0")).exit_code == 0


def test_nothing_is_left_of_what_starts_shims_when_the_executor_is_closed(tmp_path: Path) -> None:
    bench = Bench("local", tmp_path / "bench")
    before = psutil.Process().children()
    assert bench.run(bench.task("leave", "0")).exit_code == 0
    bench.executor.close()
    assert psutil.Process().children() == before


def test_step_whose_shim_is_killed_is_lost_and_no_process_is_left(local: Bench) -> None:
    task, handle = local.hold("daemonise", "hold")
    os.kill(find_shim(handle), signal.SIGKILL)
    with pytest.raises(AttemptLost):
        local.finish(task, handle)
    assert find_processes(task) == []
    with pytest.raises(AttemptLost):
        local.another().attach(task, handle)
    local.executor.remove(task)
    assert local.executor.find(task) is None


def test_step_that_the_machine_ends_is_lost_and_not_cancelled(local: Bench) -> None:
    task, handle = local.hold()
    os.kill(find_shim(handle), signal.SIGTERM)
    assert local.finish(task, handle).reason is Reason.LOST
    assert find_processes(task) == []


def test_step_that_ended_before_the_machine_was_started_anew_is_lost(local: Bench) -> None:
    task = local.task("leave", "0")
    handle = local.executor.submit(task)
    local.finish(task, handle)
    record = next((local.folder / "data" / "local" / "attempts").glob(f"*/{task.attempt_id}/ended"))
    record.write_text(record.read_text().replace("boot=", "boot=another-"))
    with pytest.raises(AttemptLost):
        local.executor.attach(task, handle)


def test_cancel_ends_a_step_whose_shim_is_stopped(local: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calculation_engine.executors._attempt._END_SECONDS", 0.5)
    task, handle = local.hold("daemonise", "hold")
    os.kill(find_shim(handle), signal.SIGSTOP)
    local.executor.cancel(task, handle)
    assert local.finish(task, handle).reason is Reason.CANCELLED
    assert find_processes(task) == []


def test_attempt_of_another_host_is_unavailable_and_never_absent(local: Bench) -> None:
    task = local.task("leave", "0")
    folder = local.folder / "data" / "local" / "attempts" / "another-host" / task.attempt_id
    folder.mkdir(parents=True)
    with pytest.raises(ExecutorUnavailable, match="another-host"):
        local.executor.find(task)
    with pytest.raises(ExecutorUnavailable, match="another machine"):
        local.executor.wait(task, "another-host:12", 0.0)


def test_too_many_processes_are_told_in_the_log(local: Bench) -> None:
    task = local.task("multiply", pids=32)
    ended = local.run(task)
    assert (ended.exit_code, ended.reason) == (137, None)
    assert b"32 are allowed" in read(task.log)
    assert "32 are allowed" in ended.message
    assert find_processes(task) == []


def test_step_gets_as_many_cores_as_it_may_use(local: Bench) -> None:
    task = local.task()
    code = "import os; print(len(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS'])"
    task = replace(task, program=replace(task.program, command=("python", "-c", code)))
    local.run(task)
    assert read(task.log) == b"1 1\n"


def test_graphics_processors_are_refused(local: Bench) -> None:
    with pytest.raises(InvalidInput, match="gpu"):
        local.executor.submit(local.task("hold", gpu=1))


@pytest.mark.parametrize(
    ("words", "limits", "reason"),
    [
        (("allocate", str(1 << 30)), {"memory": 128 << 20}, Reason.OUT_OF_MEMORY),
        (("fill", str(256 << 20), "1"), {"disk": 32 << 20, "log": 1 << 20}, Reason.DISK_LIMIT),
        (("hold",), {"time_limit": 0.5}, Reason.TIME_LIMIT),
    ],
)
def test_limits_hold_with_the_sandbox_and_without(
    local: Bench, words: tuple[str, ...], limits: dict[str, Any], reason: Reason
) -> None:
    task = local.task(*words, **limits)
    assert local.run(task).reason is reason
    assert find_processes(task) == []


def test_files_without_a_name_count_as_disk(local: Bench) -> None:
    task = local.task(disk=32 << 20, log=1 << 20)
    code = (
        "import os, time\nfor n in range(60):\n f = open(f'{n}', 'wb'); os.unlink(f'{n}'); os.dup(f.fileno());"
        " f.write(b'x' * (4 << 20)); f.flush(); time.sleep(0.02)\ntime.sleep(60)"
    )
    task = replace(task, program=replace(task.program, command=("python", "-c", code)))
    assert local.run(task).reason is Reason.DISK_LIMIT


def test_landlock_keeps_files_of_the_host_closed(tmp_path: Path) -> None:
    bench = Bench("local", tmp_path, {"sandbox": "landlock"})
    if not _landlock.find_version():
        pytest.skip("this kernel has no Landlock")
    secret = tmp_path / "data" / "secret.txt"
    secret.parent.mkdir()
    secret.write_text("s3cret")
    theirs = [str(secret), "/etc/passwd", "/etc/shadow", f"/proc/{os.getpid()}/environ"]
    into = bench.run_and_collect(bench.task("reach", *theirs, "/dev/null", "/proc/self/comm"))
    found = json.loads((into / "found.json").read_text())
    assert found == {**dict.fromkeys(theirs), "/dev/null": "", "/proc/self/comm": "python\n"}
    assert not secret.with_name("secret.txt.made").exists()


def test_landlock_lets_a_step_ask_how_much_of_the_machine_it_may_use(tmp_path: Path) -> None:
    bench = Bench("local", tmp_path, {"sandbox": "landlock"})
    if not _landlock.find_version():
        pytest.skip("this kernel has no Landlock")
    limits = ["/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"]
    there = {path: Path(path).read_text() for path in limits if Path(path).exists()}
    into = bench.run_and_collect(bench.task("reach", *there))
    assert there
    assert json.loads((into / "found.json").read_text()) == there


def test_sandbox_that_is_asked_for_by_name_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    wanted = make_executor("local", {"sandbox": "bubblewrap"}, tmp_path)
    with pytest.raises(ExecutorUnavailable, match="bubblewrap"):
        wanted.check()
    best = make_executor("local", {}, tmp_path)
    best.check()
    assert not best.capabilities.sandboxed
    assert "install" in best.capabilities.detail["sandbox"]


# Measures


def test_processes_are_found_without_proc_as_with_it() -> None:
    with subprocess.Popen(["/bin/sh", "-c", "sleep 60 & echo; wait"], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        children = _watch.find_tree(os.getpid()).keys()
        assert _watch._tree_by_ps(os.getpid()) >= children
        assert _watch._rss_by_ps()[shell.pid] > 0
        for pid in children:
            os.kill(pid, signal.SIGKILL)


def test_memory_that_processes_share_counts_once() -> None:
    code = (
        "import os, signal\nheld = b'x' * (100 << 20)\nfor _ in range(4):\n  os.fork() or signal.pause()\n"
        "print(flush=True)\nsignal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        pids = {parent.pid: 1, **_watch.find_tree(parent.pid)}
        until(lambda: len(_watch.find_tree(parent.pid)) == 4)
        pids |= _watch.find_tree(parent.pid)
        assert 100 << 20 < _watch.measure_memory(pids, 0) < 200 << 20
        assert _watch.measure_memory(pids, 1 << 40) > 400 << 20
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
