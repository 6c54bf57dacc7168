"""What Docker alone has: images, hardened containers, and an engine that may be away or meddled with."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import docker
import psutil
import pytest

from calculation_engine.errors import AttemptLost, ExecutorUnavailable, ImageMissing, InvalidInput
from calculation_engine.executors.base import Program
from calculation_engine.executors.registry import make_executor
from calculation_engine.states import Reason
from tests.contract.executor_bench import Bench, read, until

MEBIBYTE = 1 << 20

pytestmark = pytest.mark.needs("docker")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench("docker", tmp_path_factory.mktemp("docker"))
    bench.executor.prepare(bench.program(), lambda _: None)
    yield bench
    for attempt_id in bench.executor.leftovers():
        bench.executor.remove_leftover(attempt_id)
    bench.executor.close()


@pytest.fixture(scope="module")
def api() -> Iterator[docker.APIClient]:
    """The SDK's own client, for a look from outside."""
    with closing(docker.APIClient(version="auto")) as client:
        yield client


@pytest.fixture
def module(tmp_path: Path, api: docker.APIClient) -> Iterator[Program]:
    """A module whose image is not built yet, and is removed at the end."""
    folder = tmp_path / "fresh"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM python:3.12-slim\nCOPY fresh /opt/images/fresh\nUSER 65534\n")
    (folder / "run.py").write_text("print('first')\n")
    image = f"calculation-engine/test-{uuid4().hex[:12]}:1.0.0"
    yield Program("fresh", "1.0.0", uuid4().hex, ("python", "{module}/run.py"), image, folder)
    for found in api.images(name=image.partition(":")[0]):
        api.remove_image(found["Id"], force=True)


# Images


def test_image_is_built_once_for_its_content_and_again_for_another(
    bench: Bench, module: Program, api: docker.APIClient
) -> None:
    said: list[str] = []
    first = bench.executor.prepare(module, said.append)
    assert said[0] == f"fresh: building the image {module.image}"
    assert "fresh 1/4: FROM python:3.12-slim" in said
    assert said[-1].startswith(f"fresh: the image {module.image} is ready, after ")
    assert first.image.startswith(f"{module.image}@sha256:")
    said.clear()
    assert bench.executor.prepare(module, said.append) == first
    assert said == []
    (module.folder / "run.py").write_text("print('second')\n")
    other = replace(module, content_hash=uuid4().hex)
    second = bench.executor.prepare(other, said.append)
    assert second.environment_id != first.environment_id
    with pytest.raises(docker.errors.ImageNotFound):
        api.inspect_image(first.image.partition("@")[2])
    task = replace(bench.task(), program=other)
    assert bench.run(task).exit_code == 0
    assert read(task.log) == b"second\n"


def test_whoever_waits_for_an_image_that_another_builds_hears_how_far_it_is(bench: Bench, module: Program) -> None:
    with (module.folder / "Dockerfile").open("a") as file:
        file.write("RUN echo halfway; sleep 3\n")
    heard: list[list[str]] = [[], []]
    with ThreadPoolExecutor(2) as pool, closing(make_executor("docker", {}, bench.folder / "data")) as other:
        first = pool.submit(bench.executor.prepare, module, heard[0].append)
        until(lambda: first.done() or any("halfway" in line for line in heard[0]))
        assert pool.submit(other.prepare, module, heard[1].append).result(60) == first.result(60)
    assert "fresh 4/5: halfway" in heard[1]
    assert not any("building" in line for line in heard[1])


def test_shared_folders_are_in_the_image_and_cases_are_not(bench: Bench, module: Program, tmp_path: Path) -> None:
    shared = tmp_path / "_common"
    for folder in (shared, module.folder):
        (folder / "cases").mkdir(parents=True)
    (shared / "__init__.py").write_text("WORD = 'shared'\n")
    (module.folder / "run.py").write_text(
        "import os, _common\nprint(_common.WORD, sorted(os.listdir('/opt/images/fresh')))\n"
    )
    with (module.folder / "Dockerfile").open("a") as file:
        file.write("COPY _common /opt/images/_common\n")
    task = replace(bench.task(), program=replace(module, shared=(shared,)))
    bench.run(task)
    assert read(task.log) == b"shared ['Dockerfile', 'run.py']\n"


def test_build_that_fails_tells_its_last_lines_and_the_command_that_shows_all(
    bench: Bench, module: Program, api: docker.APIClient
) -> None:
    (module.folder / "Dockerfile").write_text("FROM python:3.12-slim\nRUN echo the reason; exit 7\n")
    with pytest.raises(ImageMissing, match="the reason") as caught:
        bench.executor.prepare(module, lambda _: None)
    assert "ce module build fresh" in str(caught.value)
    assert api.images(name=module.image) == []
    assert [found for found in api.containers(all=True) if "the reason" in found["Command"]] == []


def test_image_that_may_not_be_built_is_missing(bench: Bench, module: Program) -> None:
    with closing(make_executor("docker", {"build_missing": False}, bench.folder / "data")) as executor:
        with pytest.raises(ImageMissing, match="is not there"):
            executor.prepare(module, lambda _: None)
        bench.executor.prepare(module, lambda _: None)
        with pytest.raises(ImageMissing, match="of other content"):
            executor.prepare(replace(module, content_hash="other"), lambda _: None)


def test_image_that_the_settings_do_not_name_is_refused(bench: Bench, module: Program) -> None:
    foreign = replace(module, image="elsewhere.example/solver:1")
    with pytest.raises(ImageMissing, match=r"executors\.docker\.images"):
        bench.executor.prepare(foreign, lambda _: None)


def test_image_of_a_module_without_dockerfile_is_asked_for_by_its_command(bench: Bench, module: Program) -> None:
    (module.folder / "Dockerfile").unlink()
    with pytest.raises(ImageMissing, match=f"docker pull {module.image}"):
        bench.executor.prepare(module, lambda _: None)


def test_image_made_elsewhere_is_run_as_it_is_and_its_id_is_in_the_environment(
    bench: Bench, module: Program, api: docker.APIClient
) -> None:
    repository, _, tag = module.image.partition(":")
    api.tag("calculation-engine/test-probe:1.0.0", repository, tag)
    (module.folder / "Dockerfile").unlink()
    assert api.inspect_image(module.image)["Id"] in bench.executor.prepare(module, lambda _: None).environment_id


# Containers


def test_container_may_do_nothing_but_compute(bench: Bench, api: docker.APIClient) -> None:
    task, handle = bench.hold(cpu=0.5, memory=100 * MEBIBYTE, pids=10)
    found = api.inspect_container(handle)
    bench.executor.remove(task)
    host = found["HostConfig"]
    assert found["Config"]["User"] == "65534:65534"
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (100 * MEBIBYTE, 100 * MEBIBYTE, 500_000_000)
    assert host["PidsLimit"] == 12
    assert host["Init"]
    assert not host["AutoRemove"]
    assert not host["Privileged"]
    assert not host["Binds"]
    assert [(mount["Type"], mount["Name"]) for mount in found["Mounts"]] == [("volume", handle)]
    assert found["Config"]["Labels"]["calculation-engine.job"] == "test"


def test_working_folder_and_tmp_alone_can_be_written(bench: Bench) -> None:
    paths = ["here", "/tmp/x", "/opt/images/probe/x", "/etc/x", "/ce/x", "/dev/shm/../x"]
    program = replace(
        bench.program(), command=("sh", "-c", 'for path; do : >"$path" && echo "$path"; done 2>/dev/null', "sh", *paths)
    )
    task = replace(bench.task(), program=program)
    bench.run(task)
    assert read(task.log).decode().split() == ["here", "/tmp/x"]


def test_more_cores_than_there_are_are_all_that_there_are(bench: Bench) -> None:
    assert bench.run(bench.task("leave", "0", cpu=512)).exit_code == 0


@pytest.mark.parametrize(
    ("resources", "word"),
    [({"network": True}, "network_allowed"), ({"gpu": 1}, "gpu_allowed"), ({"memory": MEBIBYTE}, "6 MiB")],
)
def test_resources_that_are_not_given_here_are_refused(bench: Bench, resources: dict[str, Any], word: str) -> None:
    task = bench.task("leave", "0", **resources)
    with pytest.raises(InvalidInput, match=word):
        bench.executor.submit(task)
    assert task.attempt_id not in bench.executor.leftovers()


def test_container_that_docker_refuses_to_start_is_told_and_leaves_nothing(bench: Bench) -> None:
    with closing(make_executor("docker", {"runtime": "no-such-runtime"}, bench.folder / "data")) as executor:
        task = bench.task("leave", "0")
        with pytest.raises(InvalidInput, match="no-such-runtime"):
            executor.submit(task)
        assert task.attempt_id not in executor.leftovers()


class Zeros(io.RawIOBase):
    """A file of zeros that is nowhere."""

    def __init__(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._left)
        buffer[:count] = bytes(count)
        self._left -= count
        return count


class Large:
    """A source of zeros."""

    def __init__(self, size: int) -> None:
        self.size = size

    def open(self) -> BinaryIO:
        return io.BufferedReader(Zeros(self.size), MEBIBYTE)


def test_large_files_do_not_pass_through_the_memory_of_the_engine(bench: Bench) -> None:
    size = 300 * MEBIBYTE
    task = replace(bench.task("copy", disk=1024 * MEBIBYTE), files={"input/large.bin": Large(size)})
    me = psutil.Process()
    before = me.memory_info().rss
    into = bench.run_and_collect(task)
    assert (into / "large.bin").stat().st_size == size
    assert me.memory_info().rss - before < 20 * MEBIBYTE
    shutil.rmtree(into)
    bench.executor.remove(task)


# What happens from outside


def test_container_that_was_created_and_no_more_makes_room_for_a_whole_one(bench: Bench, api: docker.APIClient) -> None:
    task = bench.task("copy", files={"input/a.txt": b"whole"})
    name = f"ce-{task.attempt_id}"
    host = api.create_host_config(mounts=[docker.types.Mount("/ce", name)])
    api.create_container("calculation-engine/test-probe:1.0.0", ["true"], name=name, host_config=host)
    assert bench.executor.find(task) is None
    into = bench.run_and_collect(task)
    assert (into / "a.txt").read_bytes() == b"whole"


@pytest.mark.parametrize("how", ["stop", "kill", "remove"])
def test_container_that_somebody_else_ended_is_lost(bench: Bench, api: docker.APIClient, how: str) -> None:
    task, handle = bench.hold()
    if how == "stop":
        api.stop(handle, timeout=5)
    elif how == "kill":
        api.kill(handle)
    else:
        api.remove_container(handle, force=True)
    with pytest.raises(AttemptLost):
        bench.finish(task, handle)
    bench.executor.remove(task)


def test_stop_that_its_engine_wrote_down_and_did_not_live_to_carry_out_is_carried_out(bench: Bench) -> None:
    task, handle = bench.hold()
    task.folder.mkdir(parents=True, exist_ok=True)
    note = {"reason": "time_limit", "message": "it was stopped after 3 s"}
    (task.folder / "stopped.json").write_text(json.dumps(note))
    with closing(bench.another()) as later:
        later.attach(task, handle)
        ended = later.wait(task, handle, 30)
    assert ended is not None
    assert (ended.reason, ended.message) == (Reason.TIME_LIMIT, "it was stopped after 3 s")


def test_program_that_survives_the_loss_of_a_child_to_its_memory_limit_ends_as_it_says(bench: Bench) -> None:
    script = "python -c 'x = bytearray(500 << 20)'; exit"
    for code, reason in ((0, None), (3, Reason.OUT_OF_MEMORY)):
        task = bench.task(memory=64 * MEBIBYTE)
        task = replace(task, program=replace(task.program, command=("sh", "-c", f"{script} {code}")))
        ended = bench.run(task)
        assert (ended.exit_code, ended.reason) == (code, reason)


def test_two_data_folders_on_one_docker_leave_each_other_alone(bench: Bench, tmp_path: Path) -> None:
    task, _ = bench.hold()
    with closing(make_executor("docker", {}, tmp_path)) as other:
        assert task.attempt_id not in other.leftovers()
    assert task.attempt_id in bench.executor.leftovers()
    bench.executor.remove(task)


def test_log_grows_while_the_step_runs_and_limits_hold_when_nobody_waits(bench: Bench) -> None:
    task, handle = bench.hold(time_limit=0.5)
    until(lambda: "exited" in str(docker_state(handle)))
    ended = bench.finish(task, handle)
    assert ended.reason is Reason.TIME_LIMIT


def docker_state(handle: str) -> str:
    with closing(docker.APIClient(version="auto")) as client:
        return str(client.inspect_container(handle)["State"]["Status"])


def test_docker_that_is_not_there_is_unavailable_and_never_taken_for_an_answer(
    bench: Bench, tmp_path: Path, unclosed_sockets: None
) -> None:
    options = {"host": f"unix://{tmp_path}/absent.sock"}
    task = bench.task("leave", "0")
    with closing(make_executor("docker", options, tmp_path)) as executor:
        with pytest.raises(ExecutorUnavailable, match="CE_EXECUTORS__DOCKER__HOST"):
            executor.check()
        for ask in (
            lambda: executor.find(task),
            lambda: executor.submit(task),
            lambda: executor.attach(task, "ce-x"),
            lambda: executor.wait(task, "ce-x", 0.1),
            lambda: executor.cancel(task, "ce-x"),
            lambda: executor.remove(task),
            executor.leftovers,
            lambda: executor.prepare(task.program, print),
        ):
            with pytest.raises(ExecutorUnavailable):
                ask()
        assert "absent.sock" in executor.capabilities.detail["engine"]


def test_options_that_are_misspelt_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"executors\.docker\.netwrok_allowed"):
        make_executor("docker", {"netwrok_allowed": True}, tmp_path)
