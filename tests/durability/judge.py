# SPDX-License-Identifier: BSD-2-Clause
"""
Judges a run by message: every recipient of every message that was answered by 250 is delivered, or
its sender was told, or it still waits in the queue. Recipients are judged one by one.
"""
import collections
import json

SURVIVED = "survived"           # delivered once, told of once, or still listed
LOST = "lost"                   # none of the three
DUPLICATE = "duplicate"         # more than once, which is still there
CORRUPT = "corrupt"             # what arrived is not what was sent
NOT_MEASURED = "not measured"   # not seen, and nobody could say whether it waits
BROKEN = "harness broken"       # what nobody can have sent
SENDER = "alice@example.org"
VERDICTS = (SURVIVED, LOST, DUPLICATE, CORRUPT, NOT_MEASURED, BROKEN)


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
        self.verdicts = {verdict: 0 for verdict in VERDICTS}    # of the recipients answered by 250
        self.lost = []
        self.corrupt = []
        self.not_measured = []
        self.broken = []
        self.renamed = []         # copies that differ in Message-ID or in the id of the queue
        self.duplicates = 0       # deliveries beyond the first, all recipients
        self.double_notices = 0
        self.unacked = 0          # delivered, though the client did not read the 250

    @property
    def good(self):
        return not (self.lost or self.corrupt or self.not_measured or self.broken or self.renamed)

    def as_json(self):
        shown = dict(vars(self))
        for name in ("lost", "corrupt", "not_measured", "broken", "renamed"):
            shown[name] = len(shown[name])
            shown[name + "_sample"] = getattr(self, name)[:10]
        return shown

    def __str__(self):
        return (f"{self.messages} messages for {self.recipients} recipients: {self.delivered} delivered, "
                f"{self.returned} returned, {self.queued} queued, {len(self.lost)} LOST, "
                f"{len(self.corrupt)} corrupt, {self.duplicates} duplicates, "
                f"{self.double_notices} notices twice, {self.unacked} delivered without a 250, "
                f"{len(self.not_measured)} not measured"
                + "".join(f"\n  {name}: {what}"
                          for name in ("lost", "corrupt", "not_measured", "broken", "renamed")
                          for what in getattr(self, name)[:20]))


class Seen:
    """What the next hop recorded, by recipient."""

    def __init__(self, entries, begun, verdict):
        self.deliveries = collections.Counter()
        self.notices = collections.Counter()
        self.corrupt = set()
        names = {}
        for entry in entries:
            if "token" in entry:
                if entry["token"] not in begun:
                    verdict.broken.append(f"delivered, but never sent: {entry}")
                if not entry["good"]:
                    verdict.corrupt.append(entry["token"])
                    self.corrupt.update(entry["to"])
                self.deliveries.update(entry["to"])
                name = (entry.get("message_id"), entry.get("queue_id"))
                if names.setdefault(entry["token"], name) != name:
                    verdict.renamed.append(f"{entry['token']}: {names[entry['token']]}, then {name}")
            elif entry["action"] == "failed":
                if entry["about"] not in begun:
                    verdict.broken.append(f"a notice of nothing: {entry}")
                self.notices.update(entry["failed"])


def judge(acked, begun, sink_entries, queued):
    """
    acked: token -> recipients; begun: every token of which content was sent; sink_entries: what the
    sink recorded; queued: the recipients of each message that still waits, None if nobody knows.
    """
    verdict = Verdict()
    seen = Seen(sink_entries, begun, verdict)
    waiting = {recipient for recipients in queued or () for recipient in recipients}
    # what waits for the sender is a notice, and may be of any of those that were not seen
    is_blind = queued is None or SENDER in waiting
    for token, recipients in acked.items():
        verdict.messages += 1
        for recipient in recipients:
            verdict.recipients += 1
            verdict.verdicts[_judge_one(token, recipient, seen, waiting, is_blind, verdict)] += 1
    verdict.verdicts[BROKEN] = len(verdict.broken)
    verdict.duplicates = sum(count - 1 for count in seen.deliveries.values())
    verdict.double_notices = sum(count - 1 for count in seen.notices.values())
    acked_recipients = {recipient for recipients in acked.values() for recipient in recipients}
    verdict.unacked = sum(1 for recipient in seen.deliveries if recipient not in acked_recipients)
    return verdict


def _judge_one(token, recipient, seen, waiting, is_blind, verdict):
    times = seen.deliveries[recipient] + seen.notices[recipient]
    if seen.deliveries[recipient]:
        verdict.delivered += 1
    elif seen.notices[recipient]:
        verdict.returned += 1
    elif recipient in waiting:
        verdict.queued += 1
    elif is_blind:
        verdict.not_measured.append(f"{token}: {recipient}")
        return NOT_MEASURED
    else:
        verdict.lost.append(f"{token}: {recipient}")
        return LOST
    if recipient in seen.corrupt:
        return CORRUPT
    return DUPLICATE if times > 1 else SURVIVED
