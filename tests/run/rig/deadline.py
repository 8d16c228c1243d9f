# SPDX-License-Identifier: BSD-2-Clause
"""Waiting: for an event, never for a length of time that is hoped to suffice."""
import threading
import time

TURN_S = 0.01
# The times that tests name are those of a machine at rest. A busy one takes longer, and what a test
# waits for counts, not when it comes: each wait lasts this many times as long before it is given up.
PATIENCE = 3


class Late(AssertionError):
    """What was waited for did not come in time."""


def until(check, seconds, what):
    """The first true value of check(); Late after that many seconds."""
    end = time.monotonic() + PATIENCE * seconds
    pause = threading.Event()
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise Late(f"not within {PATIENCE * seconds} s: {what() if callable(what) else what}")
        pause.wait(TURN_S)
