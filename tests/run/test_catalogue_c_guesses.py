# SPDX-License-Identifier: BSD-2-Clause
"""Catalogue C11, C12: guessing slows down, and whom it does not."""
import concurrent.futures
import threading
import time

import pytest

from rig.wire import Closed, new_source

pytestmark = pytest.mark.usefixtures("alive")


@pytest.fixture(scope="module")
def guarded(make_gate, sink):
    """A daemon with the delays and limits that it has by default."""
    return make_gate(routes={"*": sink.target}, sasl={"failure-delay": "1s"})


def test_C11_ten_guesses_on_one_connection(guarded):
    with guarded.secure(seconds=60) as wire:
        for number in range(10):
            begin = time.monotonic()
            try:
                reply = wire.auth_plain("alice", f"guess{number}")
            except (Closed, OSError):
                assert number <= 5
                return
            if reply.code == 421:
                assert wire.is_closed(2) and number <= 5
                return
            assert reply.code == 535
            assert time.monotonic() - begin >= 0.95, "no delay"


def test_C11_one_address_guesses_and_the_others_do_not_notice(guarded):
    source = new_source()

    refused = threading.Event()

    def three(number):
        """Three guesses on one connection, unless the address is turned away already."""
        try:
            if refused.is_set():
                return
            with guarded.secure(source=source, seconds=60) as wire:
                for guess in range(3):
                    if wire.auth_plain(f"user{number}", f"guess{guess}").code in (421, 454):
                        refused.set()
        except (Closed, AssertionError, OSError):
            refused.set()

    def is_refused():
        try:
            with guarded.wire(source=source) as wire:
                if wire.reply().code == 421:
                    return True
                wire.expect(250, b"EHLO x.example.org")
                wire.starttls()
                wire.ehlo()
                return wire.auth_plain().code in (421, 454)
        except Closed:
            return True

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        pool.map(three, range(100))
        begin = time.monotonic()
        with guarded.session() as wire:
            wire.expect(250, b"NOOP")
        assert time.monotonic() - begin < 2
    assert is_refused()
    with guarded.session(login="bob") as wire:
        wire.expect(250, b"NOOP")


def test_C12_many_addresses_guess_at_one_account(guarded):
    """The account's owner still gets in from where he was before."""
    home = new_source()
    guarded.session(login="bob", source=home).close()

    def guess(number):
        try:
            with guarded.secure(source=new_source(), seconds=60) as wire:
                return wire.auth_plain("bob", f"guess{number}").code
        except Closed:
            return 421

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(guess, range(200)))
    assert 235 not in codes and set(codes) <= {535, 454, 421}, codes
    begin = time.monotonic()
    guarded.session(login="bob", source=home).close()
    assert time.monotonic() - begin < 5
