#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
A filter on pymilter that does what the mail tells it to, in the words of tests/fake/obedient_filter.c:
obedient.py -p ADDRESS [-n FIELD] [-s MACROS] [-l] [-q]
"""
import argparse
import sys

import Milter

ACTIONS = ("continue", "accept", "reject", "tempfail", "discard", "skip", "reply", "lines", "close")
PLAIN = {"continue": Milter.CONTINUE, "accept": Milter.ACCEPT, "reject": Milter.REJECT,
         "tempfail": Milter.TEMPFAIL, "discard": Milter.DISCARD, "skip": Milter.SKIP}
options = None


def say(*words):
    """One line, in one write: there are threads."""
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


class Obedient(Milter.Base):
    """One connection of the mail server."""

    def __init__(self):
        self.id = Milter.uniqueID()
        self.orders = []
        self.connected = False

    def _act(self, action):
        if action == "reply":
            self.setreply("554", "5.7.9", "not this one, 100%% sure")
            return Milter.REJECT
        if action == "lines":
            self.setreply("451", "4.7.9", "not now", "because of this", "and of that")
            return Milter.TEMPFAIL
        if action == "close":
            self.setreply("421", "4.7.0", "go away")
            return Milter.TEMPFAIL
        return PLAIN[action]

    def _named(self, name, stage):
        action, _, rest = name.lstrip("<").partition(".")
        return self._act(action) if action in ACTIONS and rest.startswith(stage) else Milter.CONTINUE

    def _ordered(self, stage):
        for order in self.orders:
            if order.startswith(stage + " "):
                return self._act(order.split(" ")[1])
        return Milter.CONTINUE

    # --- callbacks

    def negotiate(self, opts):
        say(f"negotiate {opts[0]:x} {opts[1]:x}")
        return super().negotiate(opts)

    def setsymlist(self, stage, *macros):
        """The one of pymilter 1.0.5 hands bytes to its C half, which takes none."""
        return self._ctx.setsymlist(stage, " ".join(macros))

    @Milter.noreply
    def unknown(self, cmd):
        say("unknown", cmd)
        return Milter.CONTINUE

    def connect(self, hostname, family, hostaddr):
        address = hostaddr[0] if hostaddr else "?"
        self.connected = True
        say("connect", hostname, address)
        number = int(address.rpartition(".")[2]) if address.startswith("127.77.0.") else 0
        return self._act(ACTIONS[number])

    def hello(self, hostname):
        say("helo", hostname)
        return self._named(hostname, "helo")

    def envfrom(self, mailfrom, *words):
        self.orders = []
        say("mail", mailfrom, *words)
        return self._named(mailfrom, "mail")

    def envrcpt(self, to, *words):
        say("rcpt", to, *words)
        action, _, rest = to.lstrip("<").partition(".")
        if rest.startswith("data@"):
            self.orders.append(f"at-data {action}")
        return self._named(to, "rcpt")

    def data(self):
        say("data")
        return self._ordered("at-data")

    def header(self, field, value):
        say(f"header {field}:" + value.replace("\n", "|"))
        if field.lower() != options.field.lower():
            return Milter.CONTINUE
        self.orders.append(value.lstrip().replace("\\n", "\n"))
        return self._ordered("at-header") if self.orders[-1].startswith("at-header ") else Milter.CONTINUE

    def eoh(self):
        say("eoh")
        return self._ordered("at-eoh")

    def body(self, chunk):
        say("body", len(chunk))
        return self._ordered("at-body")

    def abort(self):
        self.orders = []
        say("abort")
        return Milter.CONTINUE

    def close(self):
        if self.connected:     # who only knocked has no end that anybody waits for
            say("close")
        return Milter.CONTINUE

    # --- the end of the message

    def eom(self):
        orders, self.orders = self.orders, []
        verdict = Milter.CONTINUE
        for order in orders:
            verb, _, rest = order.partition(" ")
            if not verb.startswith("at-"):
                verdict = self._obey(verb, rest)
            if verdict != Milter.CONTINUE:
                break
        say("end")
        return verdict

    def _obey(self, verb, rest):
        if verb == "end":
            return self._act(rest)
        if verb in ("add", "insert", "change"):
            self._change_header(verb, rest)
        elif verb in ("rcpt+", "rcpt-par", "rcpt-", "from"):
            self._change_envelope(verb, rest)
        elif verb == "body":
            self.replacebody(rest)
        elif verb == "fill":
            self._fill(int(rest))
        elif verb == "quarantine":
            self.quarantine(rest)
        elif verb == "progress":
            self.progress()
        elif verb == "macro":
            say(f"macro {rest}={self.getsymval(rest) or '(none)'}")
        return Milter.CONTINUE

    def _change_header(self, verb, rest):
        if verb == "add":
            name, _, value = rest.partition(" ")
            self.addheader(name, value)
            return
        number, name, *value = rest.split(" ", 2)
        if verb == "insert":
            self.addheader(name, value[0], int(number))
        else:
            self.chgheader(name, int(number), value[0] if value else "")

    def _change_envelope(self, verb, rest):
        address, _, words = rest.partition(" ")
        if verb == "rcpt-":
            self.delrcpt(address)
        elif verb == "from":
            self.chgfrom(address, words or None)
        else:
            self.addrcpt(address, words or None)

    def _fill(self, size):
        line = b"z" * 78 + b"\r\n"
        while size > 0:
            self.replacebody(line[-size:] if size < len(line) else line)
            size -= len(line)


def main():
    global options
    parser = argparse.ArgumentParser()
    parser.add_argument("-p", dest="address", required=True)
    parser.add_argument("-n", dest="field", default="X-Do")
    parser.add_argument("-s", dest="symbols")
    parser.add_argument("-l", dest="leading_space", action="store_true")
    parser.add_argument("-q", dest="quiet", action="store_true")
    options = parser.parse_args()
    kind = Obedient
    if options.symbols:
        kind.envfrom = Milter.symlist(*options.symbols.split())(kind.envfrom)
    if options.quiet:
        for name in ("connect", "hello", "envfrom", "envrcpt", "data", "header", "eoh", "body"):
            setattr(kind, name, Milter.noreply(getattr(kind, name)))
    Milter.factory = Milter.rejected_recipients(kind)
    if options.leading_space:
        Milter.factory = Milter.header_leading_space(kind)
    Milter.set_flags(Milter.ADDHDRS + Milter.CHGHDRS + Milter.CHGBODY + Milter.ADDRCPT + Milter.ADDRCPT_PAR
                     + Milter.DELRCPT + Milter.QUARANTINE + Milter.CHGFROM + Milter.SETSYMLIST)
    Milter.runmilter("obedient", options.address, 600)


if __name__ == "__main__":
    sys.exit(main())
