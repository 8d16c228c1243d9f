# SPDX-License-Identifier: BSD-2-Clause
"""
Side by side in one run: Sallyport and a private Postfix, cell by cell in turn, medians of ROUNDS.
Prints a table; decides nothing. Needs root (Postfix does) and smtp-sink.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import peers
from rig.certificate import Authority
from rig import ground

LOAD = os.environ.get("SALLYPORT_LOAD", os.path.join(HERE, "load"))


def cells(scale):
    """Name, tls, connections, messages each, messages in all, bytes."""
    for connections in (1, 32, 256):
        count = {1: 400, 32: 3000, 256: 3000}[connections]
        yield (f"(a) STARTTLS + AUTH, new connection each, c{connections}", True, connections, 1,
               int(count * scale), 4096)
    for connections in (1, 32, 256):
        count = {1: 3000, 32: 12000, 256: 12000}[connections]
        yield (f"(b) clear, 20 per connection, c{connections}", False, connections, 20,
               int(count * scale), 4096)
    yield "(c) 1 MB, c16, 20 per connection", False, 16, 20, int(300 * scale), 1000000


def load(server, tls, connections, each, total, size, seconds=60, hold=False):
    port = server.tls_port if tls else server.clear_port
    arguments = [LOAD, "-p", str(port), "-f", peers.SENDER, "-t", peers.RECIPIENT, "-c", str(connections),
                 "-k", str(each), "-n", str(total), "-s", str(size), "-d", str(seconds)]
    if tls:
        arguments += ["-T", "-u", peers.USER, "-w", peers.PASSWORD]
    if hold:
        arguments.append("-H")
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def settle(sink, seconds=60):
    """Until the sink hears nothing more for half a second: the queue has drained."""
    last, since, end = -1, time.monotonic(), time.monotonic() + seconds
    while time.monotonic() < end:
        count = sink.count()
        if count != last:
            last, since = count, time.monotonic()
        elif time.monotonic() - since > 0.5:
            return
        sink.wait(0.05)


def measure(server, sink, cell):
    _, tls, connections, each, total, size = cell
    before = peers.cpu_of(server.pids())
    process = load(server, tls, connections, each, total, size)
    result = json.loads(process.communicate()[0])
    settle(sink)
    result["cpu_ms"] = (peers.cpu_of(server.pids()) - before) * 1e3 / max(1, result["accepted"])
    return result


def drain(server, sink, total):
    """Messages per second from the first connection until the sink has the last message."""
    start, begin = sink.count(), time.monotonic()
    process = load(server, False, 64, 20, total, 4096)
    while sink.count() - start < total and time.monotonic() - begin < 120:
        sink.wait(0.05)
    seconds = time.monotonic() - begin
    process.communicate()
    return (sink.count() - start) / seconds


def idle(server, connections):
    """KiB of proportional set size for each idle TLS login."""
    before = peers.memory_of(server.pids())
    process = load(server, True, connections, 1, 1, 4096, hold=True)
    ready = json.loads(process.stdout.readline())["ready"]
    after = peers.memory_of(server.pids())
    process.communicate(b"\n")
    return (after - before) / max(1, ready), ready


def row(name, results):
    median = {key: statistics.median(result[key] for result in results) for key in results[0]}
    return (f"| {name} | {median['rate']:,.0f} | {median['cpu_ms']:.2f} | {median['accept_p50_ms']:.1f} / "
            f"{median['accept_p99_ms']:.1f} | {median['total_p50_ms']:.1f} / {median['total_p99_ms']:.1f} |"
            f" {sum(result['broken'] + result['refused'] for result in results)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of messages")
    parser.add_argument("--only", default="", help="cells whose name contains this")
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--alone", action="store_true", help="without Postfix")
    arguments = parser.parse_args()
    made = Authority(ground.folder("bench")).issue("mail.example.org")
    sinks, servers = [], []
    for kind in (peers.Gate,) if arguments.alone else (peers.Gate, peers.Peer):
        sinks.append(peers.Sink())
        servers.append(kind(made, sinks[-1].port))
    try:
        print("| cell | server | messages/s | server CPU ms/message | dot to 250, p50 / p99 ms | "
              "start to 250, p50 / p99 ms | failed |\n|---|---|---|---|---|---|---|")
        for cell in cells(arguments.scale):
            if arguments.only not in cell[0]:
                continue
            results = [[] for _ in servers]
            for _ in range(arguments.rounds):
                for number, server in enumerate(servers):
                    results[number].append(measure(server, sinks[number], cell))
            for number, server in enumerate(servers):
                print(row(f"{cell[0]} | {server.name}", results[number]), flush=True)
        if arguments.only in "(d)":
            for number, server in enumerate(servers):
                rate = drain(server, sinks[number], int(10000 * arguments.scale))
                print(f"| (d) 10,000 messages to the sink | {server.name} | {rate:,.0f} | | | | |")
        if arguments.only in "(e)":
            for number, server in enumerate(servers):
                each, ready = idle(server, arguments.idle)
                print(f"| (e) idle TLS logins, {ready} of {arguments.idle} | {server.name} | "
                      f"{each:,.1f} KiB each | | | | |", flush=True)
    finally:
        for server in servers:
            server.stop()
        for sink in sinks:
            sink.stop()


if __name__ == "__main__":
    main()
