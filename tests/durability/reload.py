#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Reload on and on under load, with everything changing that a reload takes over: certificates, listeners,
accounts, routes, limits, front ends; and now and then a file or a certificate that is refused.

    reload.py --rounds 200 --result FILE.json

No session ends but those that began three readings ago, which hear 421; no message is refused or lost, and none
arrives twice; no process ends, grows, or keeps descriptors.
"""
import argparse
import datetime
import json
import os
import re
import sys
import time

TREE = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(TREE, "tests", "run"))

from rig import ground  # noqa: E402
from rig.certificate import Authority  # noqa: E402
from rig.deadline import Late, until  # noqa: E402
from rig.judge import new_token  # noqa: E402
from rig.load import Client, judge  # noqa: E402
from rig.sallyport import Sallyport, warm  # noqa: E402
from rig.sink import Sink  # noqa: E402

GENERATIONS = 3     # that a front end serves at the same time
WARM_ROUNDS = 12    # until every process has had one of everything
FD_SLACK = 4        # a connection that stands idle, a body file just being closed
PSS_SLACK_KIB = 1024
REFUSED_EVERY = 7
# A queue that remembers what it sent grows with that, up to its window and the cache of its database.
QUEUE = "queue { retry = { 1s } resend-window = 0 history = 0 }\n"


def pss_kib(pid):
    """Without the table of client addresses that front ends share: each new address fills one more row."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return int(re.search(r"^Pss_Anon:\s+(\d+)", rollup.read(), re.M).group(1))


class Reloads:
    def __init__(self, clients=6):
        self.folder = ground.folder("reloads")
        os.chmod(self.folder, 0o755)
        authority = Authority(self.folder)
        kinds = ("ecdsa", "rsa", "ecdsa")
        self.pairs = [authority.issue("mail.example.org", kind=kind) for kind in kinds]
        self.files = os.path.join(self.folder, "now.pem"), os.path.join(self.folder, "now.key")
        self.put(self.pairs[0])
        # Both are one place to the judge.
        self.sink, self.other = Sink(), Sink()
        self.other.messages, self.other.changed = self.sink.messages, self.sink.changed
        self.ports = [ground.free_port() for _ in range(3)]
        self.gate = Sallyport(certificates=[self.files], routes={"*": self.sink.target},
                              extra=QUEUE, limits={"connections-per-login": "0"})
        self.gate.start()
        warm(self.gate)
        token = new_token()
        self.clients = [Client(self.gate, token + b"%dz" % number, reconnect=number % 2 == 0,
                               body=b"y" * 76 + b"\r\n" if number % 3 else (b"z" * 76 + b"\r\n") * 1200,
                               listener="submissions" if number % 4 == 0 else "submission")
                        for number in range(clients)]
        self.idle = []
        self.refused = self.taken = self.ended = 0

    def put(self, pair):
        """Replaces both, as a renewal does it."""
        for target, source in zip(self.files, pair):
            with open(source, "rb") as content:
                ground.write(target + ".new", content.read())
            os.rename(target + ".new", target)

    # --- one round

    def change(self, number):
        gate = self.gate
        self.put(self.pairs[number % len(self.pairs)])
        more = [{"address": f'{{ "127.0.0.1:{self.ports[0]}" }}'}, {"address": f'{{ "*:{self.ports[0]}" }}'},
                {"address": f'{{ "127.0.0.1:{self.ports[1]}" }}', "tls": "implicit"}, None][number % 4]
        gate.parts["listeners"]["more"] = more
        gate.parts["routes"]["*"] = (self.sink, self.other)[number % 2].target
        gate.parts["routes"]["other.test"] = f"smtp:127.0.0.1:{self.ports[2]}"
        gate.parts["limits"]["recipients-per-message"] = str(100 + number)
        gate.parts["listeners"]["submission"]["banner"] = f'"round{number}"'
        gate.settings["postmaster"] = f'"postmaster{number}@example.org"'
        gate.settings["workers"] = str(2 + number // 10 % 2)
        if number % 5 == 0:
            gate.add_account(f"guest{number}", "guestpw", (f"guest{number}@example.org",))
        elif number % 5 == 3:
            gate.ctl("account", "delete", f"guest{number - 3}")

    def refuse(self, number):
        """One that super refuses, one that keys refuses, one that relay refuses: nothing changes."""
        gate = self.gate
        before = gate.status()["generation"]
        kind = number // REFUSED_EVERY % 3
        if kind == 0:
            gate.parts["extra"] += "no-such-setting = 1\n"
        elif kind == 1:
            with open(self.pairs[(number + 1) % len(self.pairs)][1], "rb") as other:
                ground.write(self.files[1], other.read())
        else:
            ground.write(os.path.join(self.folder, "empty"), "")
            gate.parts["routes"]["*"] = {"to": '"smtp:127.0.0.1:25"', "user": '"u"',
                                         "secret-file": f'"{self.folder}/empty"'}
        done = gate.reload(check=False)
        assert done.returncode == 1 and "stay in use everywhere" in done.stderr, done
        assert gate.status()["generation"] == before
        assert {role["generation"] for role in gate.status()["roles"]} == {before}
        gate.parts["extra"] = gate.parts["extra"].replace("no-such-setting = 1\n", "")
        self.put(self.pairs[number % len(self.pairs)])
        gate.parts["routes"]["*"] = self.sink.target
        self.refused += 1

    def look_at_idle(self):
        """Who began two readings ago is served; who began three ago has heard 421, and that is all."""
        for wire in self.idle[-GENERATIONS + 1:]:
            wire.expect(250, b"NOOP")
        while len(self.idle) >= GENERATIONS:
            wire = self.idle.pop(0)
            codes = [reply.code for reply in wire.replies_until_end()]
            assert codes == [421], codes
            wire.close()
            self.ended += 1

    def round(self, number):
        # A front end too many ends its sessions earlier: then there are no idle ones to judge.
        fewer = number % 20 == 0 and number > 0
        if fewer:
            self.drop_idle()
        self.change(number)
        if number % REFUSED_EVERY == REFUSED_EVERY - 1:
            self.refuse(number)
        self.gate.reload()
        self.taken += 1
        self.look_at_idle()
        self.idle.append(self.open_idle())
        for client in self.clients[number % 2::2]:
            client.wait_for_more(1)

    def open_idle(self):
        """A front end too many may have taken it just before it heard so; then it says 421."""
        for _ in range(5):
            try:
                return self.gate.session()
            except AssertionError as fault:
                if " 421 " not in str(fault):
                    raise
        raise AssertionError("421 again and again")

    def drop_idle(self):
        for wire in self.idle:
            wire.close()
        self.idle.clear()

    # --- the whole

    def measure(self):
        """(role, instance) -> (descriptors, PSS in KiB), at rest."""
        found = {}
        for role in self.gate.status()["roles"]:
            if not role["retired"]:
                found[role["role"], role["instance"]] = role["pid"]
        found["super", 0] = self.gate.process.pid
        return {name: (len(os.listdir(f"/proc/{pid}/fd")), pss_kib(pid)) for name, pid in found.items()}

    def rest(self):
        """No client, no message, no front end too many."""
        self.drop_idle()
        self.gate.settings["workers"] = "2"
        self.gate.reload()
        until(lambda: len([1 for role in self.gate.status()["roles"] if role["role"] == "smtp"]) == 2, 20,
              lambda: f"two front ends: {self.gate.status()['roles']}")
        self.gate.wait_until_queue_is_empty(60)
        until(lambda: not self.gate.ctl_json("sessions", "list")["sessions"], 20, "no session is left")

    def load(self, rounds, first):
        clients = [Client(one.gate, one.token + b"%dy" % first, one.reconnect, one.body, one.listener)
                   for one in self.clients]
        self.clients = clients
        for client in clients:
            client.start()
        for number in range(first, first + rounds):
            self.round(number)
        for client in clients:
            client.finish()
            wrong = {what: count for what, count in client.told.items() if what[1] != 421}
            assert not wrong, f"sessions that ended, or were put off: {wrong}\n{self.gate.story(20)}"
        self.rest()
        return clients

    def run(self, rounds, warm_rounds=WARM_ROUNDS):
        gate = self.gate
        done = self.load(warm_rounds, 0)
        before, roles = self.measure(), gate.roles()
        begin = time.monotonic()
        done += self.load(rounds, 20)
        seconds = time.monotonic() - begin
        try:
            until(lambda: not self.grown(before), 15, "as it was")
        except Late:
            pass
        after, grown = self.measure(), self.grown(before)
        kept, twice = judge(done, self.sink, gate, 60)
        gate.judge_log()
        assert [pair for pair in gate.roles() if pair[0] != "smtp"] == [p for p in roles if p[0] != "smtp"]
        return {
            "rounds": self.taken, "refused": self.refused, "seconds": round(seconds, 1), "messages": kept,
            "twice": twice, "sessions told 421 after three readings": self.ended,
            "grown": {"-".join(map(str, name)): what for name, what in grown.items()},
            "descriptors and KiB": {"-".join(map(str, name)): [before[name], after[name]]
                                    for name in before if name in after},
        }

    def grown(self, before):
        after = self.measure()
        return {name: (before[name], after[name]) for name in before if name in after and (
            after[name][0] > before[name][0] + FD_SLACK or
            (not ground.SANITIZED and after[name][1] > before[name][1] + PSS_SLACK_KIB))}

    def close(self):
        for client in self.clients:
            client.ending.set()
        self.drop_idle()
        self.gate.discard()
        self.sink.stop()
        self.other.stop()
        ground.remove(self.folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--result")
    options = parser.parse_args()
    reloads = Reloads(options.clients)
    try:
        verdict = reloads.run(options.rounds)
    finally:
        reloads.close()
    verdict["date"] = datetime.date.today().isoformat()
    print(json.dumps(verdict, indent=1))
    if options.result:
        with open(options.result, "w", encoding="ascii") as out:
            json.dump(verdict, out, indent=1)
    return 1 if verdict["grown"] or verdict["twice"] else 0


if __name__ == "__main__":
    sys.exit(main())
