"""Does one thing that a step may do, by its name: python run.py ACTION [ARGUMENT...]."""

import json
import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

OUTPUT = Path("output")
#: Nothing of this program lives longer, whatever the place does.
LIFE_SECONDS = 120


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def hold() -> None:
    """Say that it runs, and go on until it is ended."""
    say("ready")
    while True:
        signal.pause()


def leave(code: str) -> None:
    """End with an exit code."""
    sys.exit(int(code))


def end_by(number: str) -> None:
    """End by a signal."""
    signal.signal(int(number), signal.SIG_DFL)
    os.kill(os.getpid(), int(number))


def write(hexadecimal: str) -> None:
    """Write bytes to the log."""
    sys.stdout.buffer.write(bytes.fromhex(hexadecimal))


def count(lines: str, pause_seconds: str) -> None:
    """Say numbers, slowly."""
    for number in range(int(lines)):
        say(f"line {number}")
        time.sleep(float(pause_seconds))


def spew(size: str) -> None:
    """Write that many bytes to the log."""
    line = b"x" * 99 + b"\n"
    block = line * 10_000
    for _ in range(int(size) // len(block)):
        sys.stdout.buffer.write(block)
    sys.stdout.buffer.write(line * (int(size) % len(block) // len(line)))


def copy() -> None:
    """Copy all inputs to the outputs."""
    shutil.copytree("input", OUTPUT, dirs_exist_ok=True)


def environ() -> None:
    """Write down the environment."""
    (OUTPUT / "environ.json").write_text(json.dumps(dict(os.environ)))


def reach(*paths: str) -> None:
    """Write down what can be read of each path, and whether a file can be made beside it."""
    found = {}
    for name in paths:
        path = Path(name)
        try:
            content = path.read_text(errors="replace")
        except OSError as error:
            content = None
            say(str(error))
        beside = path.with_name(path.name + ".made")
        try:
            beside.write_text("made")
        except OSError as error:
            say(str(error))
        found[name] = content
    (OUTPUT / "found.json").write_text(json.dumps(found))


def connect(port: str) -> None:
    """Write down which addresses can be reached."""
    found = []
    for host in ("127.0.0.1", "::1", socket.gethostname(), "1.1.1.1", "172.17.0.1"):
        try:
            socket.create_connection((host, int(port)), timeout=2).close()
            found.append(host)
        except OSError as error:
            say(f"{host}: {error}")
    (OUTPUT / "found.json").write_text(json.dumps(found))


def allocate(size: str) -> None:
    """Use that much memory, a bit at a time, and go on."""
    held = []
    for _ in range(int(size) >> 20):
        held.append(b"x" * (1 << 20))
        time.sleep(0.001)
    hold()


def fill(size: str, files: str) -> None:
    """Write that many bytes to each of that many files, and go on."""
    block = b"x" * (1 << 16)
    for number in range(int(files)):
        with (OUTPUT / f"{number}.bin").open("wb") as file:
            for _ in range(int(size) >> 16):
                file.write(block)
    hold()


def multiply() -> None:
    """Start processes that start processes, up to a number that a machine bears."""
    say("ready")
    for _ in range(10):
        os.fork()
    time.sleep(20)


def daemonise(then: str) -> None:
    """Leave a process behind that belongs to nobody, then end or hold."""
    told, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            os.write(tell, b"x")
            while True:
                signal.pause()
        os._exit(0)
    os.read(told, 1)
    if then == "hold":
        hold()


def misbehave() -> None:
    """Leave outputs that are none."""
    (OUTPUT / "good.txt").write_text("good")
    (OUTPUT / "link").symlink_to("/etc/passwd")
    (OUTPUT / "folder_link").symlink_to("/etc")
    (OUTPUT / "dangling").symlink_to("nowhere")
    os.mkfifo(OUTPUT / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(OUTPUT / "socket"))
    Path("input/own.txt").write_text("own")
    (OUTPUT / "hard").hardlink_to("input/own.txt")
    closed = OUTPUT / "closed"
    closed.mkdir()
    (closed / "inner.txt").write_text("inner")
    (closed / "inner.txt").chmod(0)
    closed.chmod(0)


def nest(levels: str) -> None:
    """Make folders in folders, deeper than a path can tell."""
    os.chdir(OUTPUT)
    for _ in range(int(levels)):
        Path("d" * 50).mkdir()
        os.chdir("d" * 50)


def replace() -> None:
    """Put a link in place of the output folder."""
    OUTPUT.rename("moved")
    OUTPUT.symlink_to("/etc")


def sparse(size: str) -> None:
    """Make files that claim a size and hold nothing."""
    for number in range(4):
        with (OUTPUT / f"{number}.bin").open("wb") as file:
            file.truncate(int(size))


ACTIONS = {
    action.__name__: action
    for action in (
        hold, leave, end_by, write, count, spew, copy, environ, reach, connect, allocate, fill, multiply, daemonise,
        misbehave, nest, replace, sparse,
    )
}  # fmt: skip

if __name__ == "__main__":
    signal.alarm(LIFE_SECONDS)
    OUTPUT.mkdir(exist_ok=True)
    say(f"started {sys.argv[1]}")
    ACTIONS[sys.argv[1]](*sys.argv[2:])
