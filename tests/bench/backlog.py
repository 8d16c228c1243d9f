# SPDX-License-Identifier: BSD-2-Clause
"""
(f) A long queue: how soon the daemon serves, what the queue's memory is, and what is accepted, with many
messages waiting and with none. Prints a table; decides nothing. usage: backlog.py [--messages N]
"""
import argparse
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../run"))

from rig import ground
from rig.certificate import Authority
from rig.judge import deliver, letter
from rig.sallyport import Sallyport
from rig.sink import Sink

BUILD = os.environ.get("SALLYPORT_BUILD", os.path.join(HERE, "../.."))
FILL = os.path.join(BUILD, "tests/bench/fill")
LOAD = os.path.join(BUILD, "tests/bench/load")


def pss(gate):
    """KiB of the queue's processes that are its own, and its share of what is not."""
    total = 0
    for pid in gate.pids("queue"):
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            total += next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    return total


def fill(gate, messages, state, domain):
    path = os.path.join(gate.path, "state/queue")
    os.mkdir(path, 0o700)
    seconds = float(subprocess.run([FILL, path, str(messages), state, domain], check=True, stdout=subprocess.PIPE).stdout)
    for folder, _, names in os.walk(path):
        for name in [folder, *(os.path.join(folder, name) for name in names)]:
            ground.give(name)
    os.sync()   # what the filling has left in the page cache is not the daemon's to write
    return seconds


def send(gate, token):
    """Seconds until the 250."""
    begin = time.monotonic()
    with gate.session(seconds=60) as wire:
        reply = deliver(wire, letter(token))
    assert reply.code == 250, reply
    return time.monotonic() - begin


def rate(gate, count=6000):
    """Messages accepted per second, over 32 connections in the clear, 20 on each."""
    result = json.loads(subprocess.run(
        [LOAD, "-p", str(gate.ports["clear"][0]), "-f", "out@example.com", "-t", "u@example.net", "-c", "32", "-k", "20",
         "-n", str(count), "-s", "4096", "-d", "60"], check=True, stdout=subprocess.PIPE).stdout)
    return result["accepted"] / result["seconds"], result


def timed(call):
    begin = time.monotonic()
    result = call()
    return time.monotonic() - begin, result


def measure(certificate, messages, state, arguments):
    sink = Sink()
    gate = Sallyport(
        certificates=[certificate], routes={"dead.test": "smtp:127.0.0.1:1", "*": sink.target},
        listeners={"clear": {"protocol": "smtp", "tls": "none", "login": "off"}},
        permits='permit "authenticated" { rights = { submit, relay } }\n'
                'permit "network:127.0.0.0/8" { rights = { submit, relay, any-sender } }\n',
        log={"level": "notice"}, extra="queue { messages = 0 }\n")
    try:
        filled = fill(gate, messages, state, "dead.test")
        started, _ = timed(lambda: gate.start(seconds=60))
        first = started + send(gate, b"first")
        begin = time.monotonic()
        sink.wait_for_token(b"first", seconds=60)
        delivered = first + time.monotonic() - begin
        early = pss(gate)
        page, _ = timed(lambda: gate.ctl("queue", "list", "--limit", "200", seconds=60))
        busy, told = rate(gate)
        time.sleep(arguments.rest if messages else 0)   # no wait for anything: the second rate is that of so much later
        steady, _ = rate(gate)
        most = pss(gate)
        print(f"| (f) {messages} {state} | filled {filled:.0f} s | start {started:.2f} s | first 250 {first:.2f} s | first "
              f"delivery {delivered:.2f} s | PSS {early} to {most} KiB | page of 200 {page * 1e3:.0f} ms | accepts {busy:.0f}/s, "
              f"later {steady:.0f}/s |")
        print(json.dumps(told), file=sys.stderr)
        sys.stdout.flush()
    finally:
        gate.discard()
        sink.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=1000000)
    parser.add_argument("--states", default="fresh,tried,held")
    parser.add_argument("--rest", type=float, default=15)
    arguments = parser.parse_args()
    path = ground.folder("bench")
    os.chmod(path, 0o755)
    certificate = Authority(path).issue("mail.example.org", ["mail.example.org", "127.0.0.1"])
    try:
        measure(certificate, 0, "fresh", arguments)
        for state in arguments.states.split(","):
            measure(certificate, arguments.messages, state, arguments)
    finally:
        ground.remove(path)


main()
