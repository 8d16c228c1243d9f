# SPDX-License-Identifier: BSD-2-Clause
"""Waiting: for an event, never for a length of time that is hoped to suffice."""
import threading
import time

TURN_S = 0.01


class Late(AssertionError):
    """What was waited for did not come in time."""


def until(check, seconds, what):
    """The first true value of check(); Late after that many seconds."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise Late(f"not within {seconds} s: {what() if callable(what) else what}")
        pause.wait(TURN_S)
