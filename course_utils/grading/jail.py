"""What a student's process may touch: namespaces and limits, as far as the system has them.

On Linux, where it may make namespaces: no network, a root folder that holds the Python installation read-only and
nothing else, a process table of its own, a folder in memory that goes with the process. Everywhere: limits on CPU time,
memory, file size and the number of files. As root, the process also becomes the user "nobody".
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
import site
import struct
import sys
from pathlib import Path

import course_utils

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC, MS_PRIVATE, MS_RELATIME = 1024, 2048, 4096, 16384, 1 << 18, 1 << 21
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER = 1, 4, 24, 38, 36
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
CAPSET = {"x86_64": 126, "aarch64": 91}
NOBODY = 65534

WORK = "/coursework"  # the student's folder inside
MEGABYTE = 1024**2
SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/nix/store", "/gnu/store")
SYSTEM_FILES = (
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/fonts", "/etc/localtime", "/etc/mime.types"),
    *("/etc/alternatives", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group"),
)
DEVICES = ("null", "zero", "full", "random", "urandom")

_libc = ctypes.CDLL(None, use_errno=True)
_shown: list[str] = []  # what this process's root folder shows, if it has one of its own


class NoJail(OSError):
    """The system does not allow what the jail needs."""


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise NoJail(number, f"{what}: {os.strerror(number)}")


def _unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    code = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        data and data.encode(),
    )
    _check(code, f"mount {target}")


def readable_places(more: tuple[str, ...] = ()) -> list[str]:
    """Return what a student's code needs to see, wherever it lies: the system's libraries, Python and its packages.

    A package that is installed from a checkout is shown alone: beside it may lie what students must not see.
    """
    wanted = [*SYSTEM_FOLDERS, *SYSTEM_FILES, sys.base_prefix, sys.prefix, *site.getsitepackages()]
    wanted += [place for place in sys.path if os.path.basename(place) in ("site-packages", "dist-packages")]
    loaded = [_place_of(module) for name, module in list(sys.modules.items()) if "." not in name and name != "__main__"]
    wanted += [*filter(None, loaded), *_loaded_libraries(), *more]
    both = {path for place in wanted for path in (os.path.abspath(place), os.path.realpath(place))}
    found: list[str] = []
    for path in sorted(both, key=lambda path: (path.count("/"), path)):  # a folder before what is in it
        if os.path.lexists(path) and path != "/" and not any(_inside(path, other) for other in found):
            found.append(path)
    return found


def visible(paths: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of some paths that lie in a readable place."""
    places = readable_places(more)
    both = [(path, os.path.realpath(path)) for path in paths]
    return tuple(path for path, real in both if any(_inside(one, place) for one in (path, real) for place in places))


def _inside(path: str, folder: str) -> bool:
    """Tell whether a path is in a folder that is shown, or is it; what is behind a link is not in its folder."""
    return path == folder or (path.startswith(folder + "/") and not os.path.islink(folder))


def _place_of(module: object) -> str | None:
    """Return the folder of a package, or the file of a module."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not os.path.isabs(file):
        return None
    return os.path.dirname(file) if os.path.basename(file).startswith("__init__.") else file


def _loaded_libraries() -> list[str]:
    """Return the shared libraries that this process uses (Linux)."""
    if sys.platform != "linux":
        return []
    with open("/proc/self/maps", "rb") as file:  # in the encoding of file names, whatever that is
        paths = {os.fsdecode(line.rstrip(b"\n").split(maxsplit=5)[-1]) for line in file if b"/" in line}
    return sorted(path for path in paths if path[0] == "/" and ".so" in os.path.basename(path))


def build_root(new: str, more: tuple[str, ...] = (), hidden: tuple[str, ...] = ()) -> bool:
    """Give this process and its children a root folder with nothing in it but what is needed, and no network.

    Parameters
    ----------
    new : str
        An empty folder; the root is put together over it, for this process and its children only.
    more : tuple of str
        Further folders that stay readable, such as the course's data.
    hidden : tuple of str
        Files and folders that nobody sees inside, should they lie in one that is shown.

    Returns
    -------
    bool
        Whether that was possible. If it was not, nothing has changed.
    """
    if sys.platform != "linux" or platform.machine() not in PIVOT_ROOT:
        return False
    ways = ([NEWNS | NEWNET | NEWIPC] if os.geteuid() == 0 else []) + [NEWUSER | NEWNS | NEWNET | NEWIPC]
    for flags in ways:
        if _would_work(flags, new, more, hidden):
            _enter_root(flags, new, more, hidden)
            if os.geteuid() == 0:
                _become_nobody()
            return True
    return False


def _would_work(flags: int, new: str, more: tuple[str, ...], hidden: tuple[str, ...]) -> bool:
    """Try in a child, down to a student's process: half-way in there is no way back."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _enter_root(flags, new, more, hidden)
            if os.geteuid() == 0:
                _become_nobody()
            enter_cell()
            grandchild = os.fork()
            if grandchild == 0:
                os._exit(0 if os.getpid() == 1 and finish_cell() and _python_is_readable() else 1)
            code = os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1])
        except OSError:
            code = 1
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def _python_is_readable() -> bool:
    folders = [os.path.dirname(os.__file__), *site.getsitepackages(), os.path.dirname(course_utils.__file__)]
    return all(os.access(folder, os.R_OK | os.X_OK) for folder in folders if os.path.isdir(folder))


def _become_nobody() -> None:
    with contextlib.suppress(PermissionError):
        os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def closed_to_nobody(folder: Path) -> Path | None:
    """Return what submissions that root has started cannot read of a folder in the data folder, or None.

    It is the data folder itself, or the first folder or file in ``folder``. Hidden ones, such as locks, do not count.
    """
    if os.geteuid() != 0:
        return None
    paths = [folder.parent]
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        paths += [Path(place), *(Path(place, name) for name in sorted(files) if name[0] != ".")]
    for path in paths:
        needed = 0o005 if path.is_dir() else 0o004
        if path.exists() and path.stat().st_mode & needed != needed:
            return path
    return None


def drop_root(folder: str) -> None:
    """Without namespaces, become "nobody" if this is root, and if "nobody" can read Python's files."""
    needed = [Path(sys.base_prefix), Path(sys.prefix), Path(course_utils.__file__).resolve().parent]
    above = {place for path in needed for place in (path, *path.parents)}
    if os.geteuid() == 0 and all(place.stat().st_mode & 0o001 for place in above):
        os.chown(folder, NOBODY, NOBODY)
        _become_nobody()


def _map_ids(uid: int, gid: int) -> None:
    _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else /proc/self belongs to root
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _enter_root(flags: int, new: str, more: tuple[str, ...], hidden: tuple[str, ...]) -> None:
    uid, gid = os.getuid(), os.getgid()
    places = readable_places(more)
    mask = os.umask(0o022)  # folders above what is shown are there for everyone
    _unshare(flags)
    if flags & NEWUSER:
        _map_ids(uid, gid)
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", new, "tmpfs", MS_NOSUID | MS_NODEV, "size=512m,mode=755")
    for place in places:
        _show(place, new)
    _shown[:] = places
    for path in {path for one in hidden for path in (os.path.abspath(one), os.path.realpath(one))}:
        if any(_inside(path, place) for place in places):
            _hide(path, new)
    for device in DEVICES:
        _bind(f"/dev/{device}", new + f"/dev/{device}", MS_NOSUID | MS_NOEXEC, devices=True)
    for name in ("shm", "pts"):
        os.makedirs(f"{new}/dev/{name}", exist_ok=True)
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "/dev/fd/0"), ("stdout", "/dev/fd/1")):
        os.symlink(target, f"{new}/dev/{name}")
    os.makedirs(f"{new}/proc")
    _mount("/proc", f"{new}/proc", None, MS_BIND | MS_REC)
    for name in (WORK, "/tmp"):
        os.makedirs(new + name, exist_ok=True)
        os.chmod(new + name, 0o1777)
    os.chdir(new)
    _check(_libc.syscall(PIVOT_ROOT[platform.machine()], b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", MNT_DETACH), "umount")
    os.chdir(WORK)
    os.umask(mask)


def _show(place: str, new: str) -> None:
    """Make a file or folder visible, read-only, under the same name. A link stays a link if it leads there directly."""
    if os.path.lexists(new + place):
        return
    if os.path.islink(place):
        link, real = os.readlink(place), os.path.realpath(place)
        if os.path.normpath(os.path.join(os.path.dirname(place), link)) == real:
            os.makedirs(os.path.dirname(new + place), exist_ok=True)
            os.symlink(link, new + place)
            return
    if os.path.exists(place):
        _bind(place, new + place, MS_RDONLY | MS_NOSUID)


def _hide(place: str, new: str) -> None:
    """Cover a file or folder that is visible, so that nothing of it is."""
    if os.path.isdir(new + place):
        _mount("tmpfs", new + place, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "size=4k,mode=555")
    elif os.path.exists(new + place):
        _bind("/dev/null", new + place, MS_RDONLY | MS_NOSUID)


def _bind(source: str, target: str, flags: int, devices: bool = False) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "ab"):
            pass
    _mount(source, target, None, MS_BIND | MS_REC)
    now = os.statvfs(target).f_flag  # what is set already must stay set
    kept = sum(
        flag
        for bit, flag in (
            (os.ST_NOSUID, MS_NOSUID),
            (os.ST_NODEV, 0 if devices else MS_NODEV),
            (os.ST_NOEXEC, MS_NOEXEC),
            (os.ST_NOATIME, MS_NOATIME),
            (os.ST_NODIRATIME, MS_NODIRATIME),
            (os.ST_RELATIME, MS_RELATIME),
            (os.ST_RDONLY, MS_RDONLY),
        )
        if now & bit
    )
    _mount("none", target, None, MS_REMOUNT | MS_BIND | flags | kept)


def enter_cell() -> None:
    """Prepare namespaces for one student's process; the next child of this process is the first in them.

    Raises
    ------
    NoJail
    """
    uid, gid = os.getuid(), os.getgid()
    _unshare(NEWUSER | NEWNS | NEWPID | NEWIPC | NEWUTS | NEWCGROUP)
    _map_ids(uid, gid)
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    for place, size in ((WORK, 256), ("/tmp", 256), ("/dev/shm", 64)):
        _empty(place, size)
    with contextlib.suppress(OSError), open("/proc/sys/user/max_user_namespaces", "w", encoding="ascii") as file:
        file.write("0")  # inside, nobody becomes root of a namespace of their own


def _empty(place: str, size: int) -> None:
    """Put an empty folder in memory over one. What is shown below it, such as Python's own folder, stays."""
    kept = []
    for path in _shown:
        if path.startswith(place + "/") and os.path.lexists(path):
            link = os.readlink(path) if os.path.islink(path) else None
            kept.append((path, link, os.open(path, os.O_PATH | os.O_CLOEXEC) if link is None else None))
    _mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size}m,mode=700")
    for path, link, handle in kept:
        if link is not None:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(link, path)
        else:
            _bind(f"/proc/self/fd/{handle}", path, MS_RDONLY | MS_NOSUID)
            os.close(handle)


def finish_cell() -> bool:
    """Inside, hide the other processes and give up every right; return True."""
    try:
        _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    except NoJail:
        _mount("tmpfs", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0,mode=555")
    for capability in range(64):
        _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header, nothing = struct.pack("<Ii", 0x20080522, 0), bytes(24)
    _check(_libc.syscall(CAPSET[platform.machine()], header, nothing), "capset")
    os.chdir(WORK)
    return True


def limit(memory: int, cpu_seconds: float, jailed: bool) -> None:
    """Set this process's limits for good.

    Parameters
    ----------
    memory : int
        Bytes that it may have more than now.
    cpu_seconds : float
        In all its time; single cells are stopped earlier.
    jailed : bool
        Whether it has a process table of its own, in which its processes can be counted.
    """
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 128 * MEGABYTE,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CPU: int(cpu_seconds) + 1,
    }
    if jailed:
        limits[resource.RLIMIT_NPROC] = 64
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + memory
    for kind, value in limits.items():
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    if sys.platform == "linux":
        _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def die_with_parent() -> None:
    """Have this process killed when the one that forked it ends (Linux)."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of processes whose own parent ends (Linux)."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def keep_memory_private() -> None:
    """Let no other process read this one's memory (Linux)."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def children_of(pid: int) -> list[int]:
    """Return the processes whose parent is ``pid`` (Linux; elsewhere none are found)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat") if sys.platform == "linux" else ():
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = entry.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(entry.parent.name))
    return found


def describe(jailed: bool) -> str:
    """Return one line that says which protections are active."""
    if jailed:
        return (
            "Protection: full. Submissions run without a network, see no file but Python's and their own, have a "
            "process table of their own, and are limited in time, memory, processes and files."
        )
    limits = "time, memory and files" if sys.platform == "linux" else "time and files"
    return (
        f"Protection: LIMITED. Submissions are limited in {limits}, but this system does not let us take the network "
        "and the file system away from them. Grade submissions of people you trust, or use Linux with user namespaces."
    )
