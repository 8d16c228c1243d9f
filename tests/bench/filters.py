# SPDX-License-Identifier: BSD-2-Clause
"""
What a filter costs, side by side in one run: Sallyport and a private Postfix with the same OpenDKIM, the same rspamd,
and a filter on libmilter that wants to hear everything and does nothing, over TCP and over unix sockets. One connection
at a time tells the latency that a filter adds, 32 tell the rate. The CPU that the filter itself uses is told apart.
Prints a table; decides nothing. Needs root and smtp-sink.
"""
import argparse
import json
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import bench
import peers
from rig import ground
from rig.certificate import Authority
from rig.filters import callbacks, opendkim, rspamd

PLACES = {"TCP": False, "unix": True}
CELLS = {1: 400, 32: 3000}    # connections: messages
# What the recipes give Sallyport by "macros"; OpenDKIM signs for it.
SETTINGS = "milter_macro_daemon_name = ORIGINATING\nmilter_default_action = tempfail\n"


def make_filters(workers):
    """ "NAME, TCP|unix" -> a filter that runs; of those that are installed."""
    kinds = {"opendkim": (opendkim.missing(verifier=False), opendkim.OpenDkim, {}),
             "libmilter": (callbacks.missing("libmilter"), callbacks.Obedient, {"kind": "libmilter", "mute": True}),
             "rspamd": (rspamd.missing(), rspamd.Rspamd, {"hyperscan": True, "workers": workers})}
    for name, (missing, _, _) in kinds.items():
        if missing:
            print(f"{name} is left out: {missing}", file=sys.stderr)
    made = {}
    try:
        for place, unix in PLACES.items():
            for name, (missing, kind, settings) in kinds.items():
                if not missing:
                    made[f"{name}, {place}"] = kind(unix=unix, **settings)
                    made[f"{name}, {place}"].start()
                    open_to_all(made[f"{name}, {place}"])
    except BaseException:
        stop(made.values())
        raise
    return made


def open_to_all(made):
    """Postfix comes as another user."""
    if made.unix:
        os.chmod(made.path, 0o755)
        os.chmod(f"{made.path}/socket", 0o666)


def stop(things):
    for thing in things:
        thing.stop()


class Gate(peers.Gate):
    """Sallyport, each filter behind a listener of its own."""

    def __init__(self, certificate, sink_port, filters):
        names = {title: f"filter{number}" for number, title in enumerate(filters)}
        extra = "".join(made.section(names[title]) + f'policy "{names[title]}" {{ milters = {{ "{names[title]}" }} }}\n'
                        for title, made in filters.items())
        super().__init__(certificate, sink_port, names.values(), extra)
        self.ports = {title: self.server.address(name)[1] for title, name in names.items()}
        self.ports["none"] = self.clear_port


class Peer(peers.Peer):
    """Postfix, each filter behind a port of its own."""

    def __init__(self, certificate, sink_port, filters):
        self.ports = {title: ground.free_port() for title in filters}
        services = "".join(f"127.0.0.1:{port} inet n - n - - smtpd\n  -o smtpd_milters={filters[title].address}\n"
                           for title, port in self.ports.items())
        super().__init__(certificate, sink_port, services, SETTINGS)
        self.ports["none"] = self.port


def measure(server, sink, title, filters, connections, total):
    """Medians are of the messages of one run; CPU is per message."""
    server.clear_port = server.ports[title]
    pids = tree(filters[title]) if title in filters else []
    own, before = peers.cpu_of(server.pids()), peers.cpu_of(pids)
    process = bench.load(server, False, connections, 20, total, 4096, seconds=120)
    result = json.loads(process.communicate()[0])
    result["filter_ms"] = (peers.cpu_of(pids) - before) * 1e3 / max(1, result["accepted"])
    result["filter_share"] = (peers.cpu_of(pids) - before) / result["seconds"]
    bench.settle(sink)
    result["cpu_ms"] = (peers.cpu_of(server.pids()) - own) * 1e3 / max(1, result["accepted"])
    return result


def tree(made):
    return sorted({pid for root in made.pids() for pid in peers.tree_of(root)})


def row(title, connections, server, results, plain):
    def median(key, of=results):
        return statistics.median(result[key] for result in of)

    added = (median("accept_p50_ms") - median("accept_p50_ms", plain),
             median("total_p50_ms") - median("total_p50_ms", plain))
    failed = sum(result["broken"] + result["refused"] for result in results)
    filter_part = f"{median('filter_ms'):.2f} ({median('filter_share'):.2f})" if title != "none" else ""
    more = f"{added[0]:.2f} / {added[1]:.2f}" if connections == 1 and title != "none" else ""
    return (f"| {title}, c{connections} | {server.name} | {median('rate'):,.0f} | {median('accept_p50_ms'):.2f} / "
            f"{median('accept_p99_ms'):.2f} | {more} | {median('cpu_ms'):.2f} | {filter_part} | {failed} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of messages")
    parser.add_argument("--only", default="", help="filters whose name contains this; none is always there")
    parser.add_argument("--alone", default="", help="sallyport or postfix")
    parser.add_argument("--workers", type=int, default=2, help="processes of rspamd")
    arguments = parser.parse_args()
    made = Authority(ground.folder("bench")).issue("mail.example.org")
    filters = make_filters(arguments.workers)
    sinks, servers = [], []
    try:
        for kind in (Gate, Peer):
            if arguments.alone in ("", kind.name.lower()):
                sinks.append(peers.Sink())
                servers.append(kind(made, sinks[-1].port, filters))
        print("| filter | server | messages/s | dot to 250, p50 / p99 ms | added by it: to the dot, to the whole "
              "message, ms | server CPU ms/message | filter's own CPU ms/message (of one core) | failed |\n"
              "|---|---|---|---|---|---|---|---|")
        for connections, total in CELLS.items():
            results = {}
            for _ in range(arguments.rounds):
                for title in ["none", *(title for title in filters if arguments.only in title)]:
                    for server, sink in zip(servers, sinks):
                        count = int((total if server.name == "Sallyport" or title.endswith("unix") or connections > 1
                                     else total / 4) * arguments.scale)
                        results.setdefault((title, server), []).append(
                            measure(server, sink, title, filters, connections, count))
            for (title, server), found in results.items():
                print(row(title, connections, server, found, results["none", server]), flush=True)
    finally:
        stop(servers)
        stop(sinks)
        stop(filters.values())


if __name__ == "__main__":
    main()
