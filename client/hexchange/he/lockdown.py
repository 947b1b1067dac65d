"""Give up, for good, what a child that works on strangers' bytes does not need. For Linux.

Limits of the kernel always hold. Landlock (no file but the named ones, no TCP), seccomp (no sockets,
programs, processes, signals) and namespaces (no network) hold where the kernel has them; which is returned.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

try:
    import pyseccomp
except (ImportError, OSError, RuntimeError):  # libseccomp is not installed
    pyseccomp = None

_FILE_BYTES = 64 << 20  # files in memory, through which the library loads and saves
_OPEN_FILES = 64

# linux/prctl.h, linux/sched.h, linux/landlock.h; the system call numbers are the same on every architecture.
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_THREAD = 0x10000
_NEW_IPC_USER_NET = 0x08000000 | 0x10000000 | 0x40000000
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_VERSION = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_ACCESS_BITS = {1: 13, 2: 14, 3: 15, 4: 15}  # kinds of access to files that a version knows; 16 from 5 on
_TCP_BIND_CONNECT = 0b11
_SCOPE_SOCKETS_SIGNALS = 0b11

_DENIED = (
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4"),
    *("execve", "execveat", "fork", "vfork", "kill", "tkill", "ptrace", "personality"),
    *("process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd", "pidfd_send_signal"),
    *("mount", "umount2", "unshare", "setns", "pivot_root", "chroot", "open_by_handle_at"),
    *("keyctl", "add_key", "request_key", "bpf", "perf_event_open", "io_uring_setup", "userfaultfd"),
)

_libc = ctypes.CDLL(None, use_errno=True)


def leave_namespaces() -> bool:
    """Move into user, network and IPC namespaces of one's own; only possible before threads exist."""
    return bool(_libc.unshare(_NEW_IPC_USER_NET) == 0)


def die_with_parent(parent: int) -> None:
    """End when the thread that started this process ends; it may have ended already."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def lock_down(readable: Sequence[Path], memory: int, written: int) -> dict[str, bool]:
    """Give up everything else. Which protections hold.

    `memory` is the most address space of the process, `written` the longest that a file which it was given
    open may become, both in bytes; no other can be written.
    """
    for kind, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, max(_FILE_BYTES, written)),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    no_new_privileges = _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    version = _landlock([*readable, Path("/dev/urandom")])
    return {
        "rlimits": True,
        "no_new_privs": no_new_privileges,
        "landlock": version >= 1,
        "landlock_tcp": version >= 4,
        "seccomp": _seccomp(),
    }


def _landlock(readable: Sequence[Path]) -> int:
    """Forbid all files but these, TCP, and abstract sockets; the version of Landlock, 0 where there is none.

    `/dev/urandom` has to be among them: the library opens it whenever it makes random numbers.
    """
    version = _libc.syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION)
    if version < 1:
        return 0
    access = (1 << _ACCESS_BITS.get(version, 16)) - 1
    attributes = struct.pack("=Q", access)
    if version >= 4:
        attributes += struct.pack("=Q", _TCP_BIND_CONNECT)
    if version >= 6:
        attributes += struct.pack("=Q", _SCOPE_SOCKETS_SIGNALS)
    rules = _checked(_libc.syscall(_LANDLOCK_CREATE, attributes, len(attributes), 0))
    for path in readable:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed = _READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE
        _checked(_libc.syscall(_LANDLOCK_ADD, rules, 1, struct.pack("=Qi", allowed, handle), 0))
        os.close(handle)
    _checked(_libc.syscall(_LANDLOCK_RESTRICT, rules, 0))
    os.close(rules)
    return int(version)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _seccomp() -> bool:
    """Refuse system calls that computing does not need, where libseccomp is installed."""
    if pyseccomp is None:
        return False
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    refuse = pyseccomp.ERRNO(errno.EPERM)
    for name in _DENIED:
        with suppress(RuntimeError, OSError):  # unknown to this architecture
            rules.add_rule(refuse, name)
    rules.add_rule(refuse, "tgkill", pyseccomp.Arg(0, pyseccomp.NE, os.getpid()))
    rules.add_rule(refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, 0))
    rules.add_rule(
        pyseccomp.ERRNO(errno.ENOSYS), "clone3"
    )  # its flags lie in memory; callers fall back to clone
    try:
        rules.load()
    except OSError:
        return False
    return True
