# SPDX-License-Identifier: BSD-2-Clause
"""The daemon with interpose.c preloaded into all its processes, and the plan that they share with us."""
import errno
import mmap
import os
import shutil
import struct
import subprocess

from server import ground

# In the order of interpose.c.
CALLS = ("openat", "renameat2", "linkat", "write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate",
         "fallocate", "unlinkat", "close", "sendmsg", "recvmsg", "sendto", "recvfrom", "read", "pread64",
         "socket", "connect", "accept4")
ROLES = ("super", "smtp", "auth", "keys", "dial", "queue", "relay", "mailbox")
NOTHING, DIE, FAIL, SHORTEN, FREEZE = range(5)
FILES = 256
HEAD = struct.Struct("=8I")
CLOCK = struct.Struct("=q")
COUNTS = struct.Struct(f"={len(ROLES) * len(CALLS)}I")
CLOCK_AT = HEAD.size
COUNTS_AT = CLOCK_AT + CLOCK.size
FILES_AT = (COUNTS_AT + COUNTS.size + 7) // 8 * 8
FILE = struct.Struct("=QII")


class Plan:
    """What the processes under test are to do, in memory that they share with us."""

    def __init__(self, path):
        ground.write(path, b"\0" * (FILES_AT + FILE.size * FILES))
        with open(path, "r+b") as plan:
            self.map = mmap.mmap(plan.fileno(), 0)

    def arm(self, fault=None):
        """Counts from now on; the ledger and the counts begin anew."""
        self.clear()
        if fault is not None:
            name = fault.action.rstrip("+")
            action = {"kill": DIE, "short": SHORTEN, "cut": FREEZE}.get(name, FAIL)
            self.map[:HEAD.size] = HEAD.pack(
                0, ROLES.index(fault.role), CALLS.index(fault.call), fault.at, action,
                getattr(errno, name, 0), fault.action.endswith("+"), 0)
        self._set_armed(1)

    def clear(self):
        self.map[:] = b"\0" * len(self.map)

    def disarm(self):
        self._set_armed(0)

    def _set_armed(self, value):
        self.map[:4] = struct.pack("=I", value)

    def fired(self):
        return HEAD.unpack_from(self.map)[7]

    def counts(self):
        flat = COUNTS.unpack_from(self.map, COUNTS_AT)
        return {(role, call): flat[number * len(CALLS) + index] for number, role in enumerate(ROLES)
                for index, call in enumerate(CALLS) if flat[number * len(CALLS) + index]}

    def set_clock(self, ahead_s):
        """How far the wall clock of all processes is ahead of the true one."""
        self.map[CLOCK_AT:COUNTS_AT] = CLOCK.pack(ahead_s)

    def unsynced(self):
        """Inodes with content that no fsync has covered."""
        files = [FILE.unpack_from(self.map, FILES_AT + FILE.size * index) for index in range(FILES)]
        return {inode for inode, state, _ in files if state}


class Interposed:
    """A folder with the programs of a build, made ready; its plan; what super's environment needs."""

    def __init__(self, folder, programs=None):
        self.programs = folder
        plan = os.path.join(folder, "plan")
        self.plan = Plan(plan)
        built = os.path.join(folder, "interpose.so")
        self.environment = {"LD_PRELOAD": built, "FAULT_PLAN": plan}
        source = os.path.join(os.path.dirname(os.path.realpath(__file__)), "interpose.c")
        subprocess.run([os.environ.get("CC", "cc").split()[-1], "-shared", "-fPIC", "-O2", "-Wall", "-Werror",
                        "-o", built, source], check=True)
        os.chmod(built, 0o755)
        os.mkdir(os.path.join(folder, "real"), 0o755)
        for name in os.listdir(programs or ground.PROGRAMS):
            self._wrap(os.path.join(programs or ground.PROGRAMS, name), name)

    def _wrap(self, built, name):
        """Each role stands behind a line of shell: super gives its children no environment."""
        if not name.startswith("sallyport") or not os.path.isfile(built) or not os.access(built, os.X_OK):
            return
        is_role = name.startswith("sallyport-")
        copy = os.path.join(self.programs, "real" if is_role else "", name)
        shutil.copy2(built, copy)
        os.chmod(copy, 0o755)
        if is_role:
            words = " ".join(f"{key}={value}" for key, value in self.environment.items())
            ground.write(os.path.join(self.programs, name), f"#!/bin/sh\n{words} exec {copy}\n", 0o755)
