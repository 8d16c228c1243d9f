# SPDX-License-Identifier: BSD-2-Clause
"""
How long a login takes to be refused, by what is wrong with it: can it be told apart who has an account?
Logins of all kinds in random order over loopback, without TLS and with the brakes off, which would
hide a difference. Each kind is compared with "wrong password": the difference of the first decile and of the
median with its 95 % interval by bootstrap, Mann-Whitney U as the probability of being slower, and
Kolmogorov-Smirnov. Prints; decides nothing.
"""
import argparse
import base64
import gc
import math
import os
import random
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run"))

from rig import ground
from rig.sallyport import Sallyport

REFERENCE = "wrong password"
LISTENER = {"protocol": "smtp", "tls": "none", "login": "plain", "insecure-networks": '{ "127.0.0.0/8" }',
            "login-tries": "100", "errors": "1000"}
SASL = {"mechanisms": '{ "PLAIN", "LOGIN", "SCRAM-SHA-256" }', "failure-delay": "0",
        "failures-per-login": "100000", "failures-per-address": "100000"}
TRIES_EACH = 90    # on one connection
APP_PASSWORD = "k7m2p-k7m2p-k7m2p-k7m2p-k7m2p"
LABELS = ("phone", "scanner", "laptop", "old laptop")
STEPS = {"PLAIN": ("refusal",), "LOGIN": ("name", "refusal"), "SCRAM-SHA-256": ("challenge", "refusal")}


# --- who tries

class Kind:
    """One way to be refused: names to take in turn, and the password that is sent."""

    def __init__(self, title, names, password="wrong", make=None, labels=()):
        self.title = title
        self.names = names
        self.password = password
        self.make = make    # what "account add" is told besides the name; None: there is no account
        self.labels = labels    # of app passwords that the account has

    def create(self, daemon):
        for name in self.names if self.make is not None else ():
            login = name.split("/")[0]
            ask(daemon, "account add", login=login, **self.make)
            for label in self.labels:
                ask(daemon, "account app-password add", login=login, label=label)


def ask(daemon, verb, **args):
    answer = daemon.ask({"verb": verb, "args": args})
    assert answer["ok"], answer


def kinds(count, tries):
    """The kinds that are compared; "once" takes a new name for every try."""
    def names(stem, number=count):
        return [f"{stem}{n:04}" for n in range(number)]

    good = {"password": "rightpw"}
    return [
        Kind(REFERENCE, names("wrong"), make=good),
        Kind("wrong password, others", names("other"), make=good),
        Kind("nobody", names("ghost")),
        Kind("wrong password, each once", names("first", tries), make=good),
        Kind("nobody, each once", names("never", tries)),
        Kind("no password set", names("blank"), make={}),
        Kind("disabled", names("shut"), "rightpw", {**good, "disabled": True}),
        Kind("expired", names("old"), "rightpw", {**good, "expires_ms": 1}),
        Kind("not for SMTP", names("imap"), "rightpw", {**good, "protocols": ["imap"]}),
        Kind("long name", names("l" * 200), make=good),
        Kind("long name of nobody", names("n" * 200)),
        Kind("with app passwords", names("apps"), make=good, labels=LABELS),
        Kind("app password, wrong", names("dora"), APP_PASSWORD, good, LABELS),
        Kind("app password, none there", names("emil"), APP_PASSWORD, good),
        Kind("app password of nobody", names("none"), APP_PASSWORD),
        Kind("label, wrong", [name + "/phone" for name in names("lea")], APP_PASSWORD, good, LABELS),
        Kind("label, none there", [name + "/phone" for name in names("lex")], APP_PASSWORD, good),
        Kind("label of nobody", [name + "/phone" for name in names("lost")], APP_PASSWORD),
        Kind("impossible name", [name + "\x01" for name in names("odd")]),
    ]


# --- one try

class Client:
    """A bare client: what it sends is made before the clock starts."""

    def __init__(self, port):
        self.port = port
        self.socket = None
        self.left = 0

    def connect(self):
        if self.socket:
            self.socket.close()
        self.socket = socket.create_connection(("127.0.0.1", self.port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.read()
        self.ask(b"EHLO client.example\r\n")
        self.left = TRIES_EACH

    def read(self):
        data = self.socket.recv(4096)
        while data and not data.endswith(b"\r\n"):
            data += self.socket.recv(4096)
        return data

    def ask(self, line):
        """Reply, and nanoseconds until it was there."""
        begin = time.perf_counter_ns()
        self.socket.sendall(line)
        reply = self.read()
        return reply, time.perf_counter_ns() - begin

    def ask_all(self, lines):
        """The last reply, and the time of each."""
        times = []
        for line in lines:
            reply, spent = self.ask(line)
            times.append(spent)
        return reply, times


def b64(data):
    return base64.b64encode(data)


def refuse(client, mechanism, name, password):
    """The times of the steps of one failed login, and what was answered at each."""
    name = name.encode()
    if client.left == 0:
        client.connect()
    client.left -= 1
    if mechanism == "PLAIN":
        reply, times = client.ask_all([b"AUTH PLAIN " + b64(b"\0" + name + b"\0" + password.encode()) + b"\r\n"])
        return [reply], times
    if mechanism == "LOGIN":
        client.ask(b"AUTH LOGIN\r\n")
        reply, times = client.ask_all([b64(name) + b"\r\n", b64(password.encode()) + b"\r\n"])
        return [reply], times
    nonce = b64(os.urandom(18))
    challenge, first = client.ask(b"AUTH SCRAM-SHA-256 " + b64(b"n,,n=" + name + b",r=" + nonce) + b"\r\n")
    if not challenge.startswith(b"334 "):
        return [challenge, challenge], [first, first]
    told = base64.b64decode(challenge[4:])
    final = b"c=biws," + told.split(b",")[0] + b",p=" + b64(os.urandom(32))
    reply, last = client.ask(b64(final) + b"\r\n")
    return [told[told.index(b",s="):], reply], [first, last]


# --- what the times say

def ranks_of(one, two):
    """Mann-Whitney: how probable a value of one is below a value of two, and the two-sided p."""
    every = sorted([(value, 0) for value in one] + [(value, 1) for value in two])
    below = at = ties = 0
    total = 0.0
    while at < len(every):
        end = at
        while end < len(every) and every[end][0] == every[at][0]:
            end += 1
        ones = sum(1 for row in every[at:end] if row[1] == 0)
        twos = end - at - ones
        total += twos * (below + ones / 2)
        below += ones
        ties += (end - at) ** 3 - (end - at)
        at = end
    m, n = len(one), len(two)
    sigma = math.sqrt(m * n / 12 * (m + n + 1 - ties / ((m + n) * (m + n - 1))))
    z = (total - m * n / 2) / sigma
    return total / m / n, math.erfc(abs(z) / math.sqrt(2))


def distance_of(one, two):
    """Kolmogorov-Smirnov: the greatest distance of the two distributions, and its p."""
    one, two = sorted(one), sorted(two)
    i = j = 0
    most = 0.0
    while i < len(one) and j < len(two):
        value = min(one[i], two[j])
        while i < len(one) and one[i] <= value:
            i += 1
        while j < len(two) and two[j] <= value:
            j += 1
        most = max(most, abs(i / len(one) - j / len(two)))
    root = math.sqrt(len(one) * len(two) / (len(one) + len(two)))
    x = (root + 0.12 + 0.11 / root) * most
    p = 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101)) if x > 0.2 else 1.0
    return most, min(1.0, max(0.0, p))


def quantile(values, part):
    return sorted(values)[int(len(values) * part)]


def interval_of(one, two, part, dice, rounds=400):
    """The difference of this quantile (two less one), and where it lies in 95 of 100 resamplings."""
    differences = sorted(
        quantile(dice.choices(two, k=len(two)), part) - quantile(dice.choices(one, k=len(one)), part)
        for _ in range(rounds))
    return quantile(two, part) - quantile(one, part), differences[rounds // 40], differences[-rounds // 40 - 1]


# The first decile besides the median: on a busy machine it is the quick tries that are not disturbed.
PARTS = {"10 %": 0.1, "median": 0.5}
# What is compared with something else than a wrong password, or is what others are compared with.
AGAINST = {"nobody, each once": "wrong password, each once", "long name of nobody": "long name",
           "app password, wrong": "app password of nobody", "app password, none there": "app password of nobody",
           "label, wrong": "label of nobody", "label, none there": "label of nobody",
           **{title: title for title in (REFERENCE, "app password of nobody", "label of nobody")}}


def print_table(mechanism, step, times, dice):
    print(f"\n{mechanism}, {step}, microseconds; n = {len(times[REFERENCE])} each")
    print(f"{'':27}" + "".join(f"{part:>8} {'differs':>8} {'95 % interval':^17}" for part in PARTS)
          + f"{'U':>7} {'p':>6} {'KS':>6} {'p':>6}")
    for title, values in times.items():
        against = AGAINST.get(title, REFERENCE)
        reference = times[against]
        row = f"{title:27}"
        for part in PARTS.values():
            difference, low, high = interval_of(reference, values, part, dice)
            row += f"{quantile(values, part):8.0f} "
            row += f"{difference:8.1f} [{low:7.1f},{high:7.1f}]" if title != against else " " * 26
        chance, p = ranks_of(reference, values)
        distance, p_ks = distance_of(reference, values)
        row += f"{chance:7.3f} {p:6.3f} {distance:6.3f} {p_ks:6.3f}" if title != against else ""
        print(row.rstrip(), flush=True)


# --- the run

def measure(port, every, tries, dice):
    """Mechanism -> step -> kind -> times in microseconds; one order for all."""
    client = Client(port)
    told = {}
    results = {m: {s: {k.title: [] for k in every} for s in STEPS[m]} for m in STEPS}
    plan = [(m, k, turn) for m in STEPS for k in every for turn in range(tries)]
    dice.shuffle(plan)
    gc.disable()
    for mechanism, kind, turn in plan:
        name = kind.names[turn % len(kind.names)]
        replies, times = refuse(client, mechanism, name, kind.password)
        assert replies[-1].startswith(b"535 5.7.8") or "\x01" in name, (kind.title, replies)
        if mechanism == "SCRAM-SHA-256":
            assert told.setdefault(name, replies[0]) == replies[0], (name, replies)
        for step, spent in zip(STEPS[mechanism], times):
            results[mechanism][step][kind.title].append(spent / 1000)
    gc.enable()
    print_mix(every, told)
    return results


def print_mix(every, told):
    """What SCRAM shows: one lasting salt each (measure() saw to that), alike in form."""
    print("SCRAM's challenges: length of salt, iterations")
    for kind in every:
        seen = {}
        for name in kind.names:
            if name in told and told[name].startswith(b",s="):
                salt, iterations = told[name][3:].split(b",i=")
                form = (len(salt), int(iterations))
                seen[form] = seen.get(form, 0) + 1
        print(f"  {kind.title:27} {seen}")


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--tries", type=int, default=2000, help="of each kind, by each mechanism")
    words.add_argument("--names", type=int, default=20, help="of each kind that are taken in turn")
    words.add_argument("--iterations", type=int, default=10000, help="of the stored passwords")
    words.add_argument("--seed", type=int, default=None)
    options = words.parse_args()
    dice = random.Random(options.seed)
    daemon = Sallyport(
        path=ground.folder("timing"), certificates=[], accounts=(),
        listeners={"submission": LISTENER, "submissions": None},
        sasl={**SASL, "iterations": str(options.iterations)}, log={"level": "info"},
        permits='permit "authenticated" { rights = { submit, relay } }\n')
    try:
        daemon.start()
        every = kinds(options.names, options.tries)
        for kind in every:
            kind.create(daemon)
        results = measure(daemon.ports["submission"][0], every, options.tries, dice)
        for mechanism, steps in results.items():
            for step, times in steps.items():
                print_table(mechanism, step, times, dice)
    finally:
        daemon.discard()


if __name__ == "__main__":
    main()
