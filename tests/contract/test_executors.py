"""The contract of ``executors/base.py``, on every executor that the registry finds and this machine can run."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from calculation_engine.errors import AttemptLost, DiskLimit, InvalidInput, StoreCorrupt
from calculation_engine.executors.base import Task
from calculation_engine.states import Reason
from tests.contract import executor_bench
from tests.contract.executor_bench import Bench, Content, find_processes, read, until

MEBIBYTE = 1 << 20


def assert_nothing_left(bench: Bench, task: Task) -> None:
    bench.executor.remove(task)
    assert find_processes(task) == []
    assert not task.folder.exists()
    assert task.attempt_id not in bench.executor.leftovers()
    assert bench.executor.find(task) is None


# Start and end


def test_step_that_ends_by_itself_has_its_exit_code_and_no_reason(bench: Bench) -> None:
    task = bench.task("leave", "7")
    ended = bench.run(task)
    assert (ended.exit_code, ended.reason, ended.message) == (7, None, "")
    assert read(task.log) == b"started leave\n"


def test_step_that_ends_well_tells_its_times_and_what_it_used(bench: Bench) -> None:
    ended = bench.run(bench.task("count", "3", "0.05"))
    assert ended.exit_code == 0
    assert ended.started is not None
    assert ended.ended is not None
    assert 0.1 < ended.ended - ended.started < 30
    assert ended.cpu_seconds is not None
    assert 0 < ended.cpu_seconds < 10
    assert ended.peak_memory_bytes is not None
    assert MEBIBYTE < ended.peak_memory_bytes < 200 * MEBIBYTE


def test_step_that_ends_by_a_signal_has_its_number_and_128_as_exit_code(bench: Bench) -> None:
    ended = bench.run(bench.task("end_by", str(int(signal.SIGSEGV))))
    assert (ended.exit_code, ended.reason) == (128 + signal.SIGSEGV, None)


def test_program_that_is_not_there_ends_with_a_log_that_names_it(bench: Bench) -> None:
    task = bench.task("leave", "0")
    task = replace(task, program=replace(task.program, command=("no-such-program",)))
    try:
        ended = bench.run(task)
    except InvalidInput as error:
        assert "no-such-program" in str(error)  # noqa: PT017 - a place that looks first may refuse it
    else:
        assert ended.exit_code not in {0, None}
        assert b"no-such-program" in read(task.log)
    assert_nothing_left(bench, task)


def test_wait_returns_none_while_the_step_runs_and_the_same_exit_ever_after(bench: Bench) -> None:
    task, handle = bench.hold()
    assert bench.executor.wait(task, handle, 0.05) is None
    bench.executor.cancel(task, handle)
    first = bench.finish(task, handle)
    assert bench.executor.wait(task, handle, 0.0) == first


def test_many_steps_at_once_each_end_with_their_own_code(bench: Bench) -> None:
    tasks = [bench.task("leave", str(code)) for code in range(12)]
    with ThreadPoolExecutor(6) as pool:
        ended = list(pool.map(bench.run, tasks))
    assert [end.exit_code for end in ended] == list(range(12))


# The log


def test_log_holds_every_byte_also_what_is_not_utf8(bench: Bench) -> None:
    content = bytes(range(256)) + b"\r\n\xff\xfe\x00 no newline at the end"
    task = bench.task("write", content.hex())
    bench.run(task)
    assert read(task.log) == b"started write\n" + content


def test_log_can_be_read_while_the_step_runs(bench: Bench) -> None:
    task, handle = bench.hold()
    assert read(task.log) == b"started hold\nready\n"
    assert bench.executor.wait(task, handle, 0.0) is None
    assert_nothing_left(bench, task)


def test_log_stays_when_the_attempt_is_removed(bench: Bench) -> None:
    task = bench.task("leave", "0")
    bench.run(task)
    assert_nothing_left(bench, task)
    assert read(task.log) == b"started leave\n"


@pytest.mark.timeout(240)
def test_large_log_does_not_pass_through_the_memory_of_the_engine(bench: Bench) -> None:
    size = 100 * MEBIBYTE // 100 * 100
    task = bench.task("spew", str(size), log=size + MEBIBYTE, disk=1024 * MEBIBYTE)
    me = psutil.Process()
    before = me.memory_info().rss
    ended = bench.finish(task, bench.executor.submit(task), seconds=200)
    grown = me.memory_info().rss - before
    assert (ended.exit_code, ended.reason) == (0, None)
    assert task.log.stat().st_size == size + len("started spew\n")
    assert grown < 20 * MEBIBYTE
    task.log.unlink()


# Files


def test_thousand_files_go_in_and_come_out(bench: Bench) -> None:
    files = {f"input/folder {number % 7}/{number}.txt": f"content {number}".encode() for number in range(1000)}
    into = bench.run_and_collect(bench.task("copy", files=files))
    found = {f"input/{path.relative_to(into)}": path.read_bytes() for path in into.rglob("*") if path.is_file()}
    assert found == files


def test_hundred_megabytes_go_in_and_come_out(bench: Bench) -> None:
    content = os.urandom(MEBIBYTE) * 100
    into = bench.run_and_collect(bench.task("copy", files={"input/large.bin": content}, disk=512 * MEBIBYTE))
    assert (into / "large.bin").read_bytes() == content


def test_names_that_are_not_ascii_survive(bench: Bench) -> None:
    into = bench.run_and_collect(bench.task("copy", files={"input/Größe 数.txt": b"x"}))
    assert [path.name for path in into.iterdir()] == ["Größe 数.txt"]


def test_collect_twice_gives_the_same(bench: Bench) -> None:
    task = bench.task("copy", files={"input/a.txt": b"a"})
    handle = bench.executor.submit(task)
    bench.finish(task, handle)
    into = bench.folder / "collected" / task.attempt_id
    for _ in range(2):
        bench.executor.collect(task, handle, into)
        assert [(path.name, path.read_bytes()) for path in into.iterdir()] == [("a.txt", b"a")]


def test_corrupt_input_is_told_and_leaves_nothing(bench: Bench) -> None:
    task = bench.task("copy")
    task = replace(task, files={"input/a.txt": Content(b"a" * 100), "input/b.txt": Content(b"b" * 100, fails=True)})
    with pytest.raises(StoreCorrupt):
        bench.executor.submit(task)
    assert_nothing_left(bench, task)


@pytest.mark.parametrize("path", ["../escape.txt", "/tmp/escape.txt", "input/../../escape.txt"])
def test_input_outside_the_working_folder_is_refused_and_leaves_nothing(bench: Bench, path: str) -> None:
    task = bench.task("copy", files={path: b"x"})
    with pytest.raises(InvalidInput, match="escape"):
        bench.executor.submit(task)
    assert_nothing_left(bench, task)


# What a step can see


def test_environment_is_explicit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_ENGINE", "s3cret")
    into = bench.run_and_collect(bench.task("environ", env={"GIVEN": "value with spaces", "UMLAUT": "ä"}))
    found = json.loads((into / "environ.json").read_text())
    assert found["GIVEN"] == "value with spaces"
    assert found["UMLAUT"] == "ä"
    assert "s3cret" not in json.dumps(found)
    assert not {"SECRET_OF_THE_ENGINE", "SSH_AUTH_SOCK", "DOCKER_HOST", "VIRTUAL_ENV"} & found.keys()


def test_files_of_the_host_can_be_neither_read_nor_made(bench: Bench) -> None:
    if not bench.executor.capabilities.sandboxed:
        pytest.skip("this executor has no sandbox here")
    secret = bench.folder / "data" / "secret.txt"
    secret.write_text("s3cret")
    theirs = [str(path) for path in (secret, Path.home() / ".bashrc", Path("/etc/shadow"), Path("/etc/passwd"))]
    into = bench.run_and_collect(
        bench.task("reach", *theirs, "/proc/1/environ", "/usr/bin/x", "/opt/images/probe/run.py")
    )
    found = json.loads((into / "found.json").read_text())
    assert "started" in found.pop("/opt/images/probe/run.py")
    assert found[str(secret)] is None
    assert found["/etc/passwd"] is None or found["/etc/passwd"] != Path("/etc/passwd").read_text()
    assert found["/etc/shadow"] is None
    for path in (secret, Path("/etc/passwd"), Path("/usr/bin/x"), bench.folder / "probe"):
        assert not path.with_name(path.name + ".made").exists()


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server.getsockname()[1]


def test_network_is_out_of_reach_also_services_of_this_machine(bench: Bench) -> None:
    if not bench.executor.capabilities.sandboxed:
        pytest.skip("this executor has no sandbox here")
    with listening() as port:
        into = bench.run_and_collect(bench.task("connect", str(port)))
    assert json.loads((into / "found.json").read_text()) == []


# Limits


def test_step_that_needs_more_memory_than_its_limit_ends_as_out_of_memory(bench: Bench) -> None:
    task = bench.task("allocate", str(1024 * MEBIBYTE), memory=128 * MEBIBYTE)
    ended = bench.run(task)
    assert ended.reason is Reason.OUT_OF_MEMORY
    assert "134,217,728" in ended.message or "128" in ended.message
    assert_nothing_left(bench, task)


def test_step_that_runs_longer_than_its_limit_ends_as_time_limit(bench: Bench) -> None:
    task = bench.task("hold", time_limit=1.0)
    ended = bench.run(task)
    assert ended.reason is Reason.TIME_LIMIT
    assert "1" in ended.message
    assert_nothing_left(bench, task)


@pytest.mark.parametrize("files", ["1", "64"])
def test_step_whose_files_grow_over_its_limit_ends_as_disk_limit(bench: Bench, files: str) -> None:
    size = 512 * MEBIBYTE // int(files)
    task = bench.task("fill", str(size), files, disk=64 * MEBIBYTE, log=MEBIBYTE)
    ended = bench.run(task)
    assert ended.reason is Reason.DISK_LIMIT
    assert_nothing_left(bench, task)


@pytest.mark.parametrize("disk", [512, 4])
def test_step_whose_log_grows_over_its_limit_ends_as_disk_limit(bench: Bench, disk: int) -> None:
    task = bench.task("spew", str(4096 * MEBIBYTE), log=8 * MEBIBYTE, disk=disk * MEBIBYTE)
    ended = bench.run(task)
    assert ended.reason is Reason.DISK_LIMIT
    assert "log" in ended.message
    assert task.log.stat().st_size < 1024 * MEBIBYTE
    assert_nothing_left(bench, task)


def test_processes_that_start_processes_are_contained(bench: Bench) -> None:
    task = bench.task("multiply", pids=32)
    bench.run(task)
    assert find_processes(task) == []
    assert_nothing_left(bench, task)


# Cancel


def test_cancelled_step_ends_as_cancelled_with_all_its_processes(bench: Bench) -> None:
    task, handle = bench.hold("daemonise", "hold")
    assert find_processes(task)
    bench.executor.cancel(task, handle)
    ended = bench.finish(task, handle)
    assert ended.reason is Reason.CANCELLED
    assert find_processes(task) == []
    bench.executor.cancel(task, handle)
    assert bench.finish(task, handle) == ended


def test_cancelled_step_that_had_ended_stays_as_it_ended(bench: Bench) -> None:
    task = bench.task("leave", "3")
    handle = bench.executor.submit(task)
    ended = bench.finish(task, handle)
    bench.executor.cancel(task, handle)
    assert bench.finish(task, handle) == ended
    assert ended.exit_code == 3


def test_process_that_a_step_leaves_behind_is_ended_with_it(bench: Bench) -> None:
    task = bench.task("daemonise", "end")
    ended = bench.run(task)
    assert (ended.exit_code, ended.reason) == (0, None)
    assert find_processes(task) == []


# Once only, and found again


def test_attempt_that_was_never_started_is_not_found(bench: Bench) -> None:
    assert bench.executor.find(bench.task("hold")) is None


def test_same_attempt_submitted_at_once_starts_once(bench: Bench) -> None:
    task = bench.task("count", "5", "0.01")
    executors = [bench.executor, bench.another(), bench.another()]
    with ThreadPoolExecutor(6) as pool:
        handles = list(pool.map(lambda number: executors[number % 3].submit(task), range(6)))
    assert len(set(handles)) == 1
    bench.finish(task, handles[0])
    assert bench.executor.submit(task) == handles[0]
    assert read(task.log).count(b"started") == 1
    assert bench.executor.find(task) == handles[0]


@contextmanager
def engine(bench: Bench, task: Task) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that submits the attempt, or finds it submitted, and waits for it, as an engine does."""
    words = [bench.name, str(bench.folder), task.attempt_id, str(task.resources.time_limit), *task.program.command[2:]]
    with subprocess.Popen([sys.executable, executor_bench.__file__, *words], stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def kill(process: "subprocess.Popen[bytes]") -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_attempt_goes_on_when_its_engine_is_killed_and_another_loses_nothing_of_its_log(bench: Bench) -> None:
    task = bench.task("count", "1500", "0.001")
    with engine(bench, task) as first:
        until(lambda: read(task.log).count(b"\n") > 100)
        kill(first)
    with engine(bench, task) as second:
        until(lambda: read(task.log).count(b"\n") > 600)
        kill(second)
    handle = bench.executor.find(task)
    assert handle is not None
    bench.executor.attach(task, handle)
    ended = bench.finish(task, handle)
    assert ended.exit_code == 0
    lines = ["started count", *(f"line {number}" for number in range(1500))]
    assert read(task.log).decode().splitlines() == lines


def test_attempt_that_ended_while_no_engine_lived_is_found_with_its_exit_and_log(bench: Bench) -> None:
    task = bench.task("count", "200", "0.002")
    with engine(bench, task) as first:
        until(lambda: read(task.log).count(b"\n") > 10)
        kill(first)
    until(lambda: not find_processes(task))
    handle = bench.executor.find(task)
    assert handle is not None
    bench.executor.attach(task, handle)
    assert bench.finish(task, handle).exit_code == 0
    assert read(task.log).count(b"\n") == 201


@pytest.mark.parametrize("milliseconds", [0, 2, 5, 10, 15, 20, 30, 50, 100, 200])
def test_attempt_whose_engine_is_killed_while_it_submits_runs_once(bench: Bench, milliseconds: int) -> None:
    task = bench.task("count", "20", "0.005")
    with engine(bench, task) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"ready\n"
        try:
            first.wait(milliseconds / 1000)
        except subprocess.TimeoutExpired:
            kill(first)
    handle = bench.executor.find(task)
    if handle:
        bench.executor.attach(task, handle)
    else:
        handle = bench.executor.submit(task)
    assert bench.finish(task, handle).exit_code == 0
    assert read(task.log).count(b"started") == 1
    assert read(task.log).count(b"\n") == 21
    assert_nothing_left(bench, task)


@pytest.mark.parametrize("how", ["time_limit", "cancelled"])
def test_attempt_that_was_taken_over_is_still_bounded(bench: Bench, how: str) -> None:
    task = bench.task("daemonise", "hold", time_limit=3.0 if how == "time_limit" else 100.0)
    with engine(bench, task) as first:
        until(lambda: b"ready\n" in read(task.log))
        kill(first)
    handle = bench.executor.find(task)
    assert handle is not None
    bench.executor.attach(task, handle)
    if how == "cancelled":
        bench.executor.cancel(task, handle)
    assert bench.finish(task, handle).reason == how
    assert find_processes(task) == []


def test_handle_of_nothing_is_told_as_lost(bench: Bench) -> None:
    task, handle = bench.hold()
    bench.executor.remove(task)
    with pytest.raises(AttemptLost):
        bench.executor.attach(task, handle)


# Hostile outputs


def test_outputs_that_are_neither_files_nor_folders_are_left_out(bench: Bench) -> None:
    into = bench.run_and_collect(bench.task("misbehave"))
    found = {str(path.relative_to(into)): path for path in into.rglob("*")}
    assert found["good.txt"].read_text() == "good"
    assert found["closed/inner.txt"].read_text() == "inner"
    assert found.keys() - {"hard"} == {"good.txt", "closed", "closed/inner.txt"}
    assert all(not path.is_symlink() and (path.is_file() or path.is_dir()) for path in found.values())
    assert all(path.stat().st_nlink == 1 for path in found.values() if path.is_file())


def test_link_in_place_of_the_output_folder_is_not_followed(bench: Bench) -> None:
    into = bench.run_and_collect(bench.task("replace"))
    assert list(into.iterdir()) == []


def test_sparse_files_count_with_the_size_that_they_claim(bench: Bench) -> None:
    task = bench.task("sparse", str(48 * MEBIBYTE), disk=64 * MEBIBYTE, log=MEBIBYTE)
    handle = bench.executor.submit(task)
    ended = bench.finish(task, handle)
    if ended.reason is None:
        with pytest.raises(DiskLimit):
            bench.executor.collect(task, handle, bench.folder / "collected" / task.attempt_id)
    else:
        assert ended.reason is Reason.DISK_LIMIT
    assert_nothing_left(bench, task)


def test_folders_deeper_than_a_path_can_tell_are_bounded_and_removed(bench: Bench) -> None:
    task = bench.task("nest", "1500")
    into = bench.run_and_collect(task)
    assert all(len(str(path)) < 4096 for path in into.rglob("*"))
    assert_nothing_left(bench, task)


# Prepare and remove


def test_prepare_by_many_at_once_gives_all_the_same(bench: Bench) -> None:
    barrier = threading.Barrier(5)

    def prepare(_: int) -> object:
        barrier.wait()
        return bench.another().prepare(bench.program(), lambda _: None)

    with ThreadPoolExecutor(5) as pool:
        prepared = list(pool.map(prepare, range(5)))
    assert len(set(prepared)) == 1
    assert (
        bench.executor.environment_id(bench.program()) == bench.executor.prepare(bench.program(), print).environment_id
    )


def test_remove_in_any_state_leaves_nothing_and_may_be_repeated(bench: Bench) -> None:
    never = bench.task("hold")
    running, _ = bench.hold("daemonise", "hold")
    ended = bench.task("leave", "0")
    bench.run(ended)
    for task in (never, running, ended):
        for _ in range(2):
            assert_nothing_left(bench, task)


def test_leftovers_are_listed_and_removed_by_their_id_alone(bench: Bench) -> None:
    running, _ = bench.hold()
    ended = bench.task("leave", "0")
    bench.run(ended)
    later = bench.another()
    assert {running.attempt_id, ended.attempt_id} <= set(later.leftovers())
    for task in (running, ended):
        later.remove_leftover(task.attempt_id)
        later.remove_leftover(task.attempt_id)
        assert_nothing_left(bench, task)
