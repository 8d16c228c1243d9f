# SPDX-License-Identifier: BSD-2-Clause
"""
Judges a storm by message: every recipient of every message that was answered by 250 is delivered, or
its sender was told, or it still waits in the queue. Recipients are counted one by one.
"""
import collections
import json


def read_lines(path):
    """The JSON lines of a log; a last line without an end is one that was never answered for."""
    with open(path, encoding="ascii") as log:
        text = log.read()
    return [json.loads(line) for line in text.split("\n")[:-1]]


class Verdict:
    def __init__(self):
        self.messages = 0         # answered by 250
        self.recipients = 0       # of these
        self.delivered = 0
        self.returned = 0         # told of by a notice
        self.queued = 0           # still listed
        self.lost = []            # none of the three
        self.duplicates = 0       # deliveries beyond the first
        self.double_notices = 0
        self.corrupt = []         # a body that is not what was sent
        self.unacked = 0          # delivered, though the client did not read the 250
        self.broken = []          # the harness itself: what nobody can have sent

    @property
    def good(self):
        return not self.lost and not self.corrupt and not self.broken

    def as_json(self):
        shown = dict(vars(self))
        for name in ("lost", "corrupt", "broken"):
            shown[name] = len(shown[name])
            shown[name + "_sample"] = getattr(self, name)[:10]
        return shown

    def __str__(self):
        return (f"{self.messages} messages for {self.recipients} recipients: {self.delivered} delivered, "
                f"{self.returned} returned, {self.queued} queued, {len(self.lost)} LOST, "
                f"{len(self.corrupt)} corrupt, {self.duplicates} duplicates, "
                f"{self.double_notices} notices twice, {self.unacked} delivered without a 250"
                + "".join(f"\n  lost: {what}" for what in self.lost[:20])
                + "".join(f"\n  corrupt: {what}" for what in self.corrupt[:20])
                + "".join(f"\n  harness broken: {what}" for what in self.broken[:20]))


def judge(acked, begun, sink_entries, queued):
    """
    acked: token -> recipients; begun: every token of which content was sent; sink_entries: what the
    sink recorded; queued: (id, recipients) of what still waits.
    """
    verdict = Verdict()
    deliveries = collections.Counter()
    notices = collections.Counter()
    for entry in sink_entries:
        if "token" in entry:
            if entry["token"] not in begun:
                verdict.broken.append(f"delivered, but never sent: {entry}")
            if not entry["good"]:
                verdict.corrupt.append(entry["token"])
            for recipient in entry["to"]:
                deliveries[recipient] += 1
        elif entry["action"] == "failed":
            if entry["about"] not in begun:
                verdict.broken.append(f"a notice of nothing: {entry}")
            for recipient in entry["failed"]:
                notices[recipient] += 1
    waiting = {recipient for recipients in queued for recipient in recipients}
    for token, recipients in acked.items():
        verdict.messages += 1
        for recipient in recipients:
            verdict.recipients += 1
            if deliveries[recipient]:
                verdict.delivered += 1
            elif notices[recipient]:
                verdict.returned += 1
            elif recipient in waiting:
                verdict.queued += 1
            else:
                verdict.lost.append(f"{token}: {recipient}")
    verdict.duplicates = sum(count - 1 for count in deliveries.values())
    verdict.double_notices = sum(count - 1 for count in notices.values())
    acked_recipients = {recipient for recipients in acked.values() for recipient in recipients}
    verdict.unacked = sum(1 for recipient in deliveries if recipient not in acked_recipients)
    return verdict
