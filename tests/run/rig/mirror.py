# SPDX-License-Identifier: BSD-2-Clause
"""A next hop that makes loops."""
import smtplib

from rig.sink import Sink


class Mirror(Sink):
    """Sends everything back to where it came from, as another mail system would."""

    def __init__(self):
        super().__init__(script={"DATA": self.keep, "END": self.give_back})
        self.port_back = None
        self.turns = 0
        self.verdicts = []

    def keep(self, _sink, _session, talk):
        talk.kept = talk.message
        return b"354 go\r\n"

    def give_back(self, _sink, _session, talk):
        message = talk.kept
        self.turns += 1
        try:
            with smtplib.SMTP("127.0.0.1", self.port_back, timeout=20) as back:
                back.sendmail(message.sender.decode(), [a.decode() for a, _ in message.recipients], message.content)
            return b"250 2.0.0 sent on\r\n"
        except smtplib.SMTPDataError as refusal:
            self.verdicts.append(refusal.smtp_code)
            return b"%d %s\r\n" % (refusal.smtp_code, refusal.smtp_error)
