"""What a child may do, what it may not, and what becomes of one that breaks a limit."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import psutil
import pytest
import tenseal

from hexchange.errors import (
    ChildCrashed,
    ChildOutOfMemory,
    ChildOutOfTime,
    ChildOutputTooLarge,
    MalformedBlob,
)
from hexchange.he import sandbox
from hexchange.he.channel import BYTES
from hexchange.he.sandbox import Limits, Worker, run

LIMITS = Limits(memory=512 << 20, cpu_seconds=20, wall_seconds=30.0, output_bytes=1 << 20)


def attempt(action: str, *args: Any) -> str:
    """Do what a child must not, and say how it went."""
    try:
        return f"done: {ACTIONS[action](*args)}"
    except OSError as error:
        return f"refused: {error.strerror}"


def read(path: Path) -> bytes:
    return path.read_bytes()


def connect_unix(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)


ACTIONS: dict[str, Any] = {
    "read": read,
    "write": lambda path: path.write_bytes(b"x"),
    "append": lambda path: path.open("ab").write(b"x"),
    "remove": os.unlink,
    "make": os.mkdir,
    "list": os.listdir,
    "tcp": lambda port: socket.create_connection(("127.0.0.1", port), timeout=1),
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
    "unix": connect_unix,
    "execute": lambda: subprocess.run(["/bin/true"], check=True),
    "replace": lambda: os.execv("/bin/true", ["true"]),
    "fork": os.fork,
    "signal": lambda pid: os.kill(pid, signal.SIGTERM),
}


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    named = tmp_path_factory.mktemp("named")
    (named / "file").write_bytes(b"to be read")
    with Worker((attempt, echo, count), limits=LIMITS, readable=(named,), recycle_bytes=1 << 30) as worker:
        worker.named = named  # type: ignore[attr-defined]
        yield worker


def test_the_child_reads_what_is_named_and_nothing_else(child: Worker, tmp_path: Path):
    named: Path = child.named  # type: ignore[attr-defined]
    (tmp_path / "other").write_bytes(b"not to be read")
    assert child.call(attempt, "read", named / "file") == "done: b'to be read'"
    assert child.call(attempt, "read", tmp_path / "other") == "refused: Permission denied"
    assert child.call(attempt, "read", Path("/etc/passwd")) == "refused: Permission denied"
    assert child.call(attempt, "list", tmp_path) == "refused: Permission denied"


def test_a_file_that_appears_later_in_a_named_folder_is_readable(child: Worker):
    named: Path = child.named  # type: ignore[attr-defined]
    (named / "later").write_bytes(b"new")
    assert child.call(attempt, "read", named / "later") == "done: b'new'"


@pytest.mark.parametrize("action", ["write", "append", "remove"])
def test_the_child_changes_no_file(child: Worker, action: str):
    path: Path = child.named / "file"  # type: ignore[attr-defined]
    assert child.call(attempt, action, path).startswith("refused")
    assert path.read_bytes() == b"to be read"


def test_the_child_makes_no_file_or_folder(child: Worker, tmp_path: Path):
    assert child.call(attempt, "write", tmp_path / "new").startswith("refused")
    assert child.call(attempt, "make", tmp_path / "new").startswith("refused")
    assert not (tmp_path / "new").exists()


def test_the_child_reaches_no_network(child: Worker, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        assert child.call(attempt, "tcp", port).startswith("refused")
    assert child.call(attempt, "udp").startswith("refused")
    with socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "socket"))
        local.listen()
        assert child.call(attempt, "unix", str(tmp_path / "socket")).startswith("refused")


@pytest.mark.parametrize("action", ["execute", "replace", "fork"])
def test_the_child_starts_no_program_or_process(child: Worker, action: str):
    assert child.call(attempt, action).startswith("refused")


def test_the_child_signals_nobody(child: Worker):
    assert child.call(attempt, "signal", os.getpid()).startswith("refused")


def look_around() -> dict[str, Any]:
    descriptors = [fd for fd in range(256) if _is_open(fd)]
    return {"environment": dict(os.environ), "arguments": sys.argv, "descriptors": len(descriptors)}


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_the_child_inherits_no_environment_and_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("A_SECRET", "canary")
    with (tmp_path / "secret").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        seen = run(look_around, limits=LIMITS)
    assert "canary" not in str(seen)
    assert set(seen["environment"]) <= {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "LC_CTYPE"}
    assert seen["descriptors"] == 5  # nothing three times, two pipes


def echo(value: Any) -> Any:
    return value


def test_values_come_back_as_they_are(child: Worker):
    value = {"a": [1, -(2**70), 0.1, float("inf"), None, True, "é"], "b": [b"", b"\x00" * 70_000], "c": {}}
    assert child.call(echo, value) == value
    assert child.call(echo, (b"x", (1, 2))) == [b"x", [1, 2]]


counted = 0


def count() -> int:
    global counted
    counted += 1
    return counted


def test_a_worker_keeps_what_its_modules_hold_and_runs_apart_from_us(child: Worker):
    first = child.call(count)
    assert child.call(count) == first + 1
    assert counted == 0


def burn() -> float:
    """Work in short bursts, and say how many seconds of processor time this call had left at its start."""
    left = resource.getrlimit(resource.RLIMIT_CPU)[0] - time.clock_gettime(~0 << 3)
    for _ in range(30):
        sum(range(200_000))
        time.sleep(0.0005)
    return left


def test_a_child_that_lives_for_long_is_given_as_much_time_as_a_new_one():
    with Worker((burn,), limits=LIMITS, recycle_bytes=1 << 30) as worker:
        assert min(worker.call(burn) for _ in range(20)) >= LIMITS.cpu_seconds


def test_a_worker_above_its_memory_is_started_anew():
    with Worker((count,), limits=LIMITS, recycle_bytes=1) as worker:
        assert [worker.call(count), worker.call(count)] == [1, 1]


def refuse() -> None:
    raise MalformedBlob("this blob is not one", hint="ask its owner")


def fail() -> None:
    raise KeyError("an accident")


def test_our_errors_arrive_as_themselves_and_the_child_lives_on():
    with Worker((refuse, count), limits=LIMITS, recycle_bytes=1 << 30) as worker:
        worker.call(count)
        with pytest.raises(MalformedBlob, match="this blob is not one") as refused:
            worker.call(refuse)
        assert refused.value.hint == "ask its owner"
        assert worker.call(count) == 2


def test_any_other_error_is_a_crash_and_the_child_is_not_used_again():
    with Worker((fail, count), limits=LIMITS, recycle_bytes=1 << 30) as worker:
        worker.call(count)
        with pytest.raises(ChildCrashed, match="KeyError") as crashed:
            worker.call(fail)
        assert crashed.value.hint
        assert worker.call(count) == 1


def bomb() -> int:
    return len(np.ones(4 << 30, dtype=np.uint8))


def spin() -> None:
    while True:
        pass


def sleep() -> None:
    time.sleep(3600)


def flood() -> bytes:
    return bytes(2 << 20)


def abort() -> None:
    os.abort()


def leave() -> None:
    os._exit(0)


def segfault() -> None:
    import ctypes

    ctypes.string_at(0)


def lie(head: bytes) -> None:
    for descriptor in range(3, 16):  # the child's pipes are among these
        try:
            os.write(descriptor, head)
        except OSError:
            continue
    time.sleep(3600)


def nonsense(text: str) -> bytes:
    return (1).to_bytes(8, "big") + len(text).to_bytes(8, "big") + text.encode()


@pytest.mark.parametrize(
    ("function", "arguments", "limits", "error"),
    [
        (bomb, (), LIMITS, ChildOutOfMemory),
        (spin, (), Limits(512 << 20, 1, 60.0, 100), ChildOutOfTime),
        (sleep, (), Limits(512 << 20, 60, 0.2, 100), ChildOutOfTime),
        (flood, (), LIMITS, ChildOutputTooLarge),
        (abort, (), LIMITS, ChildCrashed),
        (leave, (), LIMITS, ChildCrashed),
        (segfault, (), LIMITS, ChildCrashed),
        (lie, (b"\xff" * 8,), LIMITS, ChildOutputTooLarge),
        (lie, ((1).to_bytes(8, "big") + b"\x00\xff" * 4,), LIMITS, ChildOutputTooLarge),
        (lie, (bytes(8),), LIMITS, ChildCrashed),
        (lie, (nonsense("no JSON"),), LIMITS, ChildCrashed),
        (lie, (nonsense("[" * 100_000),), LIMITS, ChildCrashed),
        (lie, (nonsense("[]"),), LIMITS, ChildCrashed),
        (lie, (nonsense('{"value": {"\\u0000bytes": 7}}'),), LIMITS, ChildCrashed),
        (lie, (nonsense('{"value": {"\\u0000bytes": "x"}}'),), LIMITS, ChildCrashed),
        (lie, (nonsense('{"error": ["exit", "", ""]}'),), LIMITS, ChildCrashed),
        (lie, (nonsense('{"error": 1}'),), LIMITS, ChildCrashed),
    ],
)
def test_a_child_that_misbehaves_becomes_one_typed_error(
    function: Any, arguments: tuple[Any, ...], limits: Limits, error: type[Exception]
):
    with pytest.raises(error) as raised:
        run(function, *arguments, limits=limits)
    assert type(raised.value) is error
    assert raised.value.hint


def test_nesting_is_bounded_even_where_the_interpreter_allows_more():
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        with pytest.raises(ChildCrashed):
            run(lie, nonsense("[" * 100_000), limits=LIMITS)
    finally:
        sys.setrecursionlimit(before)


def test_bytes_have_a_mark_that_a_document_cannot_have_by_accident():
    assert "\0" in BYTES


def test_a_value_of_another_kind_is_refused():
    with pytest.raises(ChildCrashed, match="cannot return complex"):
        run(complex, 1, limits=LIMITS)


def test_a_function_that_no_child_can_import_is_refused():
    with pytest.raises(ValueError, match="top of an importable module"):
        run(lambda: 1, limits=LIMITS)


def scribble(descriptor: int, length: int) -> str:
    try:
        return f"wrote {os.pwrite(descriptor, b'x', length - 1)}"
    except OSError as error:
        return f"refused: {error.strerror}"


def test_a_child_writes_into_the_scratch_files_it_is_given_up_to_their_limit(tmp_path: Path):
    with (
        TemporaryFile(dir=tmp_path) as file,
        Worker((scribble,), limits=LIMITS, scratch=[file.fileno()], recycle_bytes=1 << 30) as worker,
    ):
        assert worker.call(scribble, file.fileno(), 3) == "wrote 1"
        assert file.read() == b"\0\0x"
        assert worker.call(scribble, file.fileno(), LIMITS.memory) == "wrote 1"
        assert worker.call(scribble, file.fileno(), LIMITS.memory + 1) == "refused: File too large"


def add_encrypted() -> list[int]:
    context = tenseal.context(tenseal.SCHEME_TYPE.BFV, 4096, plain_modulus=1032193)
    vector = tenseal.bfv_vector(context, [1, 2, 3])
    decrypted: list[int] = (vector + vector).decrypt()
    return decrypted


def test_the_library_works_inside():
    assert run(add_encrypted, limits=LIMITS) == [2, 4, 6]


def test_children_of_several_threads_outlive_the_thread_that_asked_for_them():
    worker = Worker((count,), limits=LIMITS, recycle_bytes=1 << 30)
    first = threading.Thread(target=worker.call, args=(count,))
    first.start()
    first.join()
    time.sleep(0.2)
    assert worker.call(count) == 2
    worker.close()


PARENT = """
import sys
sys.path[:] = {path!r}
from test_sandbox import LIMITS, sleep
from hexchange.he.sandbox import Worker
worker = Worker((sleep,), limits=LIMITS, recycle_bytes=1)
import threading
threading.Thread(target=worker.call, args=(sleep,), daemon=True).start()
while worker._child is None: pass
print(worker._child._process.pid, flush=True)
sys.stdin.read()
"""


def test_a_child_dies_with_its_parent():
    program = [sys.executable, "-c", PARENT.format(path=[str(Path(__file__).parent), *sys.path])]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
    child.wait(timeout=20)


def test_an_interrupted_call_leaves_no_child():
    main = threading.main_thread().ident
    assert main
    timer = threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT))
    worker = Worker((echo, sleep), limits=LIMITS, recycle_bytes=1 << 30)
    worker.call(echo, 1)
    assert worker._child
    child = psutil.Process(worker._child._process.pid)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        worker.call(sleep)
    assert not child.is_running()


def test_protections_are_found_by_trying():
    found = sandbox.protections()
    assert list(found) == ["rlimits", "no_new_privs", "landlock", "landlock_tcp", "seccomp", "namespaces"]
    assert found["rlimits"]
    assert found["no_new_privs"]
    assert found["landlock"]
    assert found["seccomp"]
