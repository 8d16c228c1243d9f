# SPDX-License-Identifier: BSD-2-Clause
"""What the supervisor, with roles that do little, says: to its logs, to nobody who reads, to systemd."""
import os
import signal
import socket
import subprocess

from rig import ground
from rig.control import ask
from rig.deadline import until


def test_logs_are_opened_anew(make_fake):
    gate = make_fake()
    path = f"{gate.path}/events.log"
    gate.parts["log"]["file"] = f'"{path}"'
    gate.write_config()
    assert gate.run_daemon().returncode == 0
    try:
        gate.learn_ports()
        os.rename(path, path + ".1")
        with open(f"{gate.path}/run/pid", encoding="ascii") as pid_file:
            os.kill(int(pid_file.read()), signal.SIGUSR1)
        until(lambda: os.path.exists(path) and "logs.opened" in open(path, encoding="utf-8").read(), 5,
              "the new file")
        gate.settings["hostname"] = '"other.example.org"'
        gate.reload()
        text = open(path, encoding="utf-8").read()
        assert text.count('"role.reloaded"') == len(ground.ROLES) + 1
    finally:
        gate.ctl("stop")
        until(lambda: not os.path.exists(f"{gate.path}/run/pid"), 10, "it ends")


def test_n7_a_log_that_nobody_reads(make_fake):
    gate = make_fake()
    gate.write_config()
    unread, log = os.pipe()
    daemon = subprocess.Popen([gate.program(), "-c", gate.config, "-f"], stdin=subprocess.DEVNULL, stderr=log,
                              stdout=log, cwd="/", start_new_session=True, **ground.as_user())
    os.close(log)
    try:
        until(lambda: gate.ctl("status", check=False).returncode == 0, 10, "it serves")
        gate.learn_ports()
        with gate.control() as wire:
            # Each is a line in the log; a pipe holds 64 KiB.
            for _ in range(1500):
                assert ask(wire, {"verb": "x" * 60})["kind"] == "usage"
        assert gate.greeting()
        assert gate.reload()
    finally:
        daemon.terminate()
        assert daemon.wait(10) == 0
        os.close(unread)


def test_systemd_is_told(make_fake):
    gate = make_fake()
    gate.write_config()
    path = os.path.join(gate.path, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        os.chmod(path, 0o777)
        systemd.settimeout(10)
        daemon = subprocess.Popen([gate.program(), "-c", gate.config, "-f"], stdin=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
                                  env={**os.environ, "NOTIFY_SOCKET": path}, **ground.as_user())
        try:
            assert systemd.recv(4096) == b"READY=1"
            daemon.send_signal(signal.SIGHUP)
            assert systemd.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert systemd.recv(4096) == b"READY=1"
        finally:
            daemon.terminate()
            assert daemon.wait(10) == 0
        assert systemd.recv(4096) == b"STOPPING=1"


def test_logs_are_rolled_by_size(make_fake):
    gate = make_fake()
    path = f"{gate.path}/events.log"
    gate.parts["log"].update({"file": f'"{path}"', "roll": "size", "roll-size": "64K", "level": "info"})
    gate.write_config()
    assert gate.run_daemon().returncode == 0
    try:
        gate.learn_ports()
        with gate.control() as wire:
            while os.path.getsize(path) < 64 * 1024:
                assert ask(wire, {"verb": "x" * 60})["kind"] == "usage"
        until(lambda: len([n for n in os.listdir(gate.path) if n.startswith("events.log.")]) == 1, 10,
              "the file is rolled")
        until(lambda: os.path.exists(path) and os.path.getsize(path) < 4096, 5, "a new file")
        gate.reload()
        assert open(path, encoding="utf-8").read().count('"role.reloaded"') == len(ground.ROLES) + 1
    finally:
        gate.ctl("stop")
        until(lambda: not os.path.exists(f"{gate.path}/run/pid"), 10, "it ends")
