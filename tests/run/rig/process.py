# SPDX-License-Identifier: BSD-2-Clause
"""What /proc tells of processes, and what their user may do to them."""
import os
import subprocess

from rig import ground


def stat_fields(pid):
    """From the state on, the third of proc(5)."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rsplit(")", 1)[1].split()


def state(pid):
    return stat_fields(pid)[0]


def lives(pid):
    try:
        return state(pid) != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listed:
        return [int(word) for word in listed.read().split()]


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as listed:
        return dict(line.rstrip("\n").split(":\t", 1) for line in listed if ":\t" in line)


def resident(pid):
    """Anonymous KiB; 0 where that is not told."""
    return int(status(pid).get("RssAnon", "0").split()[0])


def cpu_s(pids):
    """CPU seconds these processes have used."""
    ticks = 0
    for pid in pids:
        fields = stat_fields(pid)
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def open_files(pids):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


def limit(pid, what, soft):
    """Another soft limit for a process that runs: its own user may do that, without leave to trace."""
    subprocess.run([ground.find_program("prlimit"), "--pid", str(pid), f"--{what}={soft}:"], check=True, cwd="/",
                   **ground.as_user())
