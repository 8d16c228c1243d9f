# SPDX-License-Identifier: BSD-2-Clause
"""
A file system in an image, whose power can be cut: the shutdown ioctl forgets whatever is not on the
device yet. In namespaces of its own, so that nobody else holds on to a dead one.
"""
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "run"))

from rig import ground  # noqa: E402
from rig.deadline import until  # noqa: E402

CLONE_NEWNS, CLONE_NEWNET, MS_REC, MS_PRIVATE = 0x20000, 0x40000000, 0x4000, 0x40000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
SHUTDOWN, NO_LOG_FLUSH = 0x8004587d, 2     # EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN: one number
# Megabytes (nothing is there before it is written), and how it is made.
MAKE = {
    "ext4": (512, ["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0"]),
    "xfs": (512, ["mkfs.xfs", "-q", "-f", "-K"]),
}
CHECK = {"ext4": ["e2fsck", "-f", "-n"], "xfs": ["xfs_repair", "-n"]}
SKIPPED = 77    # exit code of a program that cannot run here
MEMORY = "/dev/shm"
MEMORY_NEEDED = 1 << 30


class Broken(Exception):
    """The harness failed, not the server."""


def missing(kind):
    """Why no power can be cut here; None if it can."""
    if not ground.IS_ROOT:
        return "mounting needs root"
    if kind == "names":
        return missing_fuse(Names.PROGRAM)
    for program in (MAKE[kind][1][0], CHECK[kind][0], "losetup"):
        if not ground.find_program(program):
            return f"{program} is not installed"
    for argv in (["unshare", "-mn", "true"], ["losetup", "-f"]):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"{' '.join(argv)}: {done.stderr.strip()}"
    with open("/proc/filesystems", encoding="ascii") as known:
        if kind not in known.read().split():
            return f"the kernel has no {kind}"
    return None


def missing_fuse(program):
    if not os.path.exists(program):
        return f"{os.path.basename(program)} was not built: libfuse3-dev is missing"
    if not os.path.exists("/dev/fuse") or not ground.find_program("fusermount3"):
        return "no FUSE here"
    return None


def leave_mounts(namespaces=0):
    """From here on this process and its children mount for themselves alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    for result in (libc.unshare(CLONE_NEWNS | namespaces),
                   libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)):
        if result != 0:
            raise Broken(f"no namespaces: {os.strerror(ctypes.get_errno())}")


def stand_alone():
    """The same, and a loopback of their own: while a server is down, nobody else's is found at its port."""
    leave_mounts(CLONE_NEWNET)
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def run(*argv, may_return=(0,)):
    program = ground.find_program(argv[0]) or argv[0]
    done = subprocess.run([program, *argv[1:]], capture_output=True, text=True, check=False)
    if done.returncode not in may_return:
        raise Broken(f"{' '.join(argv)}: {done.stdout}{done.stderr}")
    return done.stdout


def work_folder(name):
    """In memory where there is room: what is measured is the order of writes, not the machine's disk."""
    if os.path.isdir(MEMORY) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED:
        path = os.path.join(MEMORY, f"sp-{name}-{os.getpid()}")
        os.mkdir(path, 0o755)
        return path
    path = ground.folder(name)
    os.chmod(path, 0o755)
    return path


class Volume:
    """`folder` is the root of the mounted file system; source: an image, or a device."""

    def __init__(self, kind="ext4", source=None):
        self.kind = kind
        self.path = work_folder(f"volume-{kind}" if source is None else f"volume-{os.path.basename(source)}")
        self.folder = os.path.join(self.path, "mnt")
        os.mkdir(self.folder, 0o755)
        self.source = source or os.path.join(self.path, "image")
        self.is_mounted = False

    def make(self, megabytes=None, *options):
        """An empty one."""
        with open(self.source, "wb") as image:
            image.truncate((megabytes or MAKE[self.kind][0]) << 20)
        run(*MAKE[self.kind][1], *options, self.source)

    def mount(self, *options):
        """Recovers the journal, if there is one to be recovered."""
        options = ("noatime", *options) + (("loop",) if os.path.isfile(self.source) else ())
        run("mount", "-t", self.kind, "-o", ",".join(options), self.source, self.folder)
        self.is_mounted = True
        with open("/proc/mounts", encoding="ascii") as mounts:
            options = [line.split()[3] for line in mounts if line.split()[1] == self.folder]
        if len(options) != 1 or "shutdown" in options[0].split(","):
            raise Broken(f"{self.folder} is not mounted afresh: {options}")

    def unmount(self, seconds=20):
        """Waits for whoever still ends."""
        def is_gone():
            return subprocess.run(["umount", self.folder], capture_output=True, check=False).returncode == 0
        until(is_gone, seconds, lambda: f"{self.folder} can be unmounted")
        self.is_mounted = False

    def sync(self):
        """What stands right in `folder` stays."""
        fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        os.sync()

    def cut(self):
        """What is not on the device by now is lost. Everybody who works on it hears errors."""
        fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("=I", NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def repair(self):
        """As at boot, where even the journal could not be read."""
        run("e2fsck", "-f", "-y", self.source, may_return=(0, 1))

    def check(self):
        """The file system is whole, when it is not mounted; what is wrong with it otherwise."""
        argv = [*CHECK[self.kind], self.source]
        argv[0] = ground.find_program(argv[0])
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else done.stdout + done.stderr

    def discard(self):
        if self.is_mounted:
            subprocess.run(["umount", "-l", self.folder], capture_output=True, check=False)
        ground.remove(self.path)


class Names(Volume):
    """Forgets the names that were not synced, and keeps contents: see crashnames.c."""
    PROGRAM = os.path.join(ground.BUILD, "tests", "durability", "crashnames")

    def __init__(self, kind="names"):
        super().__init__(kind)
        self.process = None

    def make(self, megabytes=None):
        os.mkdir(self.source, 0o755)

    def mount(self):
        self.process = subprocess.Popen([self.PROGRAM, self.source, self.folder])
        until(lambda: os.path.ismount(self.folder), 10, "crashnames serves")
        self.is_mounted = True

    def unmount(self, seconds=20):
        super().unmount(seconds)
        self.process.wait(10)

    def cut(self):
        self.process.send_signal(signal.SIGUSR1)

    def check(self):
        return None


def make_volume(kind):
    """A new one, made and mounted."""
    volume = Names() if kind == "names" else Volume(kind)
    volume.make()
    volume.mount()
    return volume
