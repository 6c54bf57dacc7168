"""Runs each attempt in a container of its own on a Docker engine.

The engine may be anywhere: files go in and out as archives, never by a shared path. A container has no network, no
capability, no writable place but its volume and /tmp, and an owner that is nobody. Container and volume are named after
the attempt, so that whoever comes back finds them, and a second start collides.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from calculation_engine.errors import AttemptLost, ExecutorUnavailable, ImageMissing, InvalidInput
from calculation_engine.executors import _docker_archive as archive
from calculation_engine.executors import _docker_container as containers
from calculation_engine.executors._docker_client import APIError, Engine, NotFound
from calculation_engine.executors._docker_end import StopNote
from calculation_engine.executors._docker_images import Image, Images
from calculation_engine.executors._docker_lock import exclusive
from calculation_engine.executors._docker_monitor import Monitor
from calculation_engine.executors._docker_options import DockerOptions
from calculation_engine.executors._docker_place import Place
from calculation_engine.executors._docker_watch import Watch
from calculation_engine.executors.base import Capabilities, Executor, Exit, Prepared, Program, Task


class DockerExecutor(Executor):
    """Containers on a Docker engine, one for each attempt."""

    name = "docker"
    Options = DockerOptions

    def __init__(self, options: DockerOptions, data_dir: Path) -> None:
        super().__init__(options, data_dir)
        self._folder = data_dir / self.name
        self._engine = Engine(options.host, options.request_timeout, options.certificates, options.ssh_config)
        self._place = Place(self._engine, self._folder)
        self._images = Images(self._engine, options, self._folder / "locks")
        self._lock = threading.Lock()
        self._watches: dict[str, Watch] = {}
        self._instance_id: str | None = None
        self._monitor_thread: Monitor | None = None

    @property
    def capabilities(self) -> Capabilities:
        """Containers keep a step from everything else; a socket is this host's alone."""
        address = self._engine.address
        detail = {"host": address}
        try:
            detail["engine"] = f"Docker {self._engine.host.version}, {self._engine.host.architecture}"
        except ExecutorUnavailable as error:
            detail["engine"] = str(error)
        is_socket = address.startswith(("unix://", "http+unix://", "/"))
        return Capabilities(
            sandboxed=not self.options.network_allowed,
            uses_machine=is_socket,
            detail=detail,
        )

    @property
    def place(self) -> str:
        """The Docker engine, by the id that it keeps with its containers; its address may change, or lead elsewhere."""
        return self._place.name

    @property
    def replaced_places(self) -> Collection[str]:
        """Docker engines in whose stead another one answers: Docker's data were deleted, or made anew."""
        return self._place.replaced

    def check(self) -> None:
        """See that a Docker engine answers."""
        self._engine.ping()

    def environment_id(self, program: Program) -> str:
        """Return the architecture and the image's content."""
        return self._images.environment_id(program)

    def prepare(self, program: Program, say: Callable[[str], None]) -> Prepared:
        """Build, or pull, the program's image unless it is there."""
        image = self._images.ensure(program, say)
        return Prepared(environment_id=self._images.environment_id(program), image=image.name)

    def build(self, program: Program, say: Callable[[str], None], *, anew: bool = False) -> Image:
        """Return the program's image, built or pulled unless it is there, or ``anew`` with nothing of an earlier build.

        What runs goes on in the image that it was started from.

        Raises:
            ImageMissing: it may not be run here, or cannot be made.
            ExecutorUnavailable: no Docker engine answers.
        """
        return self._images.ensure(program, say, anew=anew)

    def find(self, task: Task) -> str | None:
        """Return the container's name if it was started; one that was only created has half of its files."""
        name = containers.container_name(task.attempt_id)
        found = self._engine.inspect(name)
        return name if found and containers.standing(found).was_started else None

    def submit(self, task: Task) -> str:
        """Create the container, put the files into its volume, start it."""
        containers.check_task(task, self.options)
        image = self._images.ensure(task.program, lambda _: None)
        name = containers.container_name(task.attempt_id)
        with exclusive(self._folder / "locks" / f"{name}.lock"):
            if self.find(task):
                self._watch(task)
                return name
            self._engine.remove(name)
            StopNote(task.folder).remove()
            task.log.unlink(missing_ok=True)
            try:
                self._start(task, name, image.id)
            except BaseException:
                self._discard(name, task.folder)
                raise
            self._watch(task, elapsed_seconds=0)
        return name

    def attach(self, task: Task, handle: str) -> None:
        """Follow the log from where its copy ends, and hold the limits again."""
        self._watch(task)

    def wait(self, task: Task, handle: str, timeout_seconds: float) -> Exit | None:
        """Return as soon as the container has ended and its log is copied."""
        watch = self._watch(task)
        if not watch.done.wait(timeout_seconds):
            return None
        if watch.error is not None:
            with self._lock:
                if self._watches.get(task.attempt_id) is watch:
                    del self._watches[task.attempt_id]
            raise watch.error
        return watch.exit

    def cancel(self, task: Task, handle: str) -> None:
        """Send SIGTERM, and SIGKILL soon after."""
        try:
            self._watch(task).cancel()
        except AttemptLost:
            return  # there is nothing to end

    def collect(self, task: Task, handle: str, into: Path) -> None:
        """Unpack the archive of ``output/`` beside ``into``, then rename it."""
        part = into.with_name(f"{into.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        output = f"{containers.VOLUME}/{containers.WORK}/output"
        try:
            archive.unpack(self._engine.get(handle, output), "output", part, task.resources.disk)
        except NotFound as error:
            if self._engine.inspect(handle) is None:
                shutil.rmtree(part)
                raise AttemptLost(f"attempt {task.attempt_id}: its container is gone") from error
        except BaseException:
            shutil.rmtree(part)
            raise
        shutil.rmtree(into, ignore_errors=True)
        part.rename(into)

    def remove(self, task: Task) -> None:
        """Remove container, volume and scratch."""
        self.remove_leftover(task.attempt_id)
        shutil.rmtree(task.folder, ignore_errors=True)

    def leftovers(self) -> Collection[str]:
        """Return the attempts of all containers and volumes that this data folder's engines made."""
        label = f"{containers.LABEL}.instance={self._instance}"
        found = [*self._engine.containers({"label": label}), *self._engine.volumes(label)]
        return {each["Labels"][f"{containers.LABEL}.attempt"] for each in found}

    def remove_leftover(self, attempt_id: str) -> None:
        """Remove an attempt's container and volume."""
        with self._lock:
            watch = self._watches.pop(attempt_id, None)
        if watch is not None:
            self._monitor.discard(watch)
            watch.close()
        self._engine.remove(containers.container_name(attempt_id))

    def close(self) -> None:
        """End all threads and connections; the containers go on."""
        with self._lock:
            watches = list(self._watches.values())
            monitor, self._monitor_thread = self._monitor_thread, None
        for watch in watches:
            watch.close()
        if monitor is not None:
            monitor.close()
        for watch in watches:
            watch.join(5)
        self._engine.close()

    def _start(self, task: Task, name: str, image_id: str) -> None:
        host_settings = containers.host_settings(task, self.options, self._engine.host.cpus, self._instance)
        folders = [containers.RECORD, containers.WORK, *(f"{containers.WORK}/{part}" for part in ("input", "output"))]
        files = {f"{containers.WORK}/{path}": source for path, source in task.files.items()}
        packing = archive.Packing(folders, files, containers.USER)
        try:
            self._engine.create(name, containers.settings(task, image_id, self._instance), host_settings)
            self._put(name, packing)
            self._engine.start(name)
        except NotFound as error:
            raise ImageMissing(f"{task.program.name}: the image {task.program.image} is gone") from error
        except APIError as error:
            raise InvalidInput(
                f"{task.program.name}: Docker refused its container: {error.explanation or error}",
                hint="see the module's manifest (command, resources) and its Dockerfile",
            ) from error

    def _put(self, name: str, packing: Iterable[bytes]) -> None:
        try:
            self._engine.put(name, containers.VOLUME, packing)
        except Exception:
            if isinstance(packing, archive.Packing) and packing.failure is not None:
                raise packing.failure from None
            raise

    def _discard(self, name: str, folder: Path) -> None:
        """Leave nothing of a start that failed, as far as the engine answers."""
        shutil.rmtree(folder, ignore_errors=True)
        try:
            self._engine.remove(name)
        except (APIError, ExecutorUnavailable):
            return  # it is among the leftovers; and the start's own error says more

    def _watch(self, task: Task, elapsed_seconds: float | None = None) -> Watch:
        """Return the attempt's watch, begun if there is none."""
        with self._lock:
            watch = self._watches.get(task.attempt_id)
        if watch is not None:
            return watch
        if elapsed_seconds is None:
            elapsed_seconds = self._elapsed_seconds(task)
        with self._lock:
            if task.attempt_id not in self._watches:
                self._watches[task.attempt_id] = Watch(self._engine, task, self.options.stop_grace, elapsed_seconds)
            watch = self._watches[task.attempt_id]
        self._monitor.add(watch)
        return watch

    def _elapsed_seconds(self, task: Task) -> float:
        found = self._engine.inspect(containers.container_name(task.attempt_id))
        started = containers.standing(found).started if found else None
        if started is None:
            raise AttemptLost(f"attempt {task.attempt_id}: its container is gone, or was never started")
        return self._engine.now() - started

    @property
    def _monitor(self) -> Monitor:
        with self._lock:
            if self._monitor_thread is None:
                self._monitor_thread = Monitor(self._engine, self._instance_under_lock(), self.options.watch_interval)
            return self._monitor_thread

    @property
    def _instance(self) -> str:
        with self._lock:
            return self._instance_under_lock()

    def _instance_under_lock(self) -> str:
        """Return this data folder's own id: two of them on one Docker engine leave each other's containers alone."""
        if self._instance_id is None:
            path = self._folder / "instance"
            with exclusive(self._folder / "locks" / "instance.lock"):
                if not path.exists():
                    part = path.with_suffix(".part")
                    part.write_text(uuid.uuid4().hex)
                    part.rename(path)
            self._instance_id = path.read_text()
        return self._instance_id
