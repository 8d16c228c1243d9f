# SPDX-License-Identifier: BSD-2-Clause
"""rspamd, clamav-milter, SpamAssassin, and OpenDMARC alone and behind a verifier, configured as doc/milters.md says."""
import concurrent.futures
import re

import pytest

from rig.deadline import until
from rig.filters import clamav, gates, opendkim, opendmarc, rspamd, spamassassin
from rig.judge import deliver, letter

DMARC_RECORDS = "_dmarc.example.org v=DMARC1; p=none\n_dmarc.example.com v=DMARC1; p=reject\n"


def needs(module):
    return pytest.mark.skipif(module.missing() is not None, reason=str(module.missing()))


@pytest.fixture(scope="module")
def serve(make_gate, sink):
    """
    Starts filters, all at once, and a daemon whose listeners are named after what they have asked: "NAME" for logins,
    "NAME-open" for strangers. The filters are stopped at the end of the file.
    """
    started = []

    def start(**filters):
        started.extend(filters.values())
        with concurrent.futures.ThreadPoolExecutor() as starters:
            list(starters.map(lambda each: each.start(), filters.values()))
        listeners = {"submission": None, "submissions": None}
        for name in filters:
            listeners[name] = {**gates.logins(name), "message-size": "20M"}
            listeners[f"{name}-open"] = gates.strangers(name)
        return make_gate(routes={"*": sink.target}, listeners=listeners, extra=gates.policies(
            [each.section(name) for name, each in filters.items()], **{name: [name] for name in filters}))

    yield start
    for each in started:
        each.stop()


def held(gate, token):
    """The one message that is held, with the reason."""
    def look():
        return [message for message in gate.queue() if message["state"] == "held"]
    messages = until(look, 10, lambda: f"a held message: {gate.queue()}")
    assert len(messages) == 1
    return messages[0]


# --- rspamd

@pytest.fixture(scope="module")
def spam_gate(serve):
    """One rspamd by TCP and one by a unix socket, and one that keeps what it would refuse."""
    keeps = {"quarantine_on_reject = false": "quarantine_on_reject = true"}
    return serve(tcp=rspamd.Rspamd(), unix=rspamd.Rspamd(unix=True), keeps=rspamd.Rspamd(changes=keeps))


@needs(rspamd)
@pytest.mark.parametrize("place", ["tcp", "unix"])
def test_rspamd_marks_what_it_has_seen(spam_gate, sink, token, place):
    with spam_gate.session(listener=place) as wire:
        for which in (b"first", b"second"):
            assert deliver(wire, letter(token + which)).code == 250
    for which in (b"first", b"second"):
        message = sink.wait_for_token(token + which)
        assert len(message.fields("X-Spamd-Bar")) == 1
        results = message.fields("Authentication-Results")
        assert len(results) == 1 and results[0].startswith(b"mail.example.org;"), results
        assert b"auth=pass smtp.auth=alice" in results[0]


@needs(rspamd)
@pytest.mark.parametrize("place", ["tcp", "unix"])
def test_rspamd_says_of_strangers_that_nobody_logged_in(spam_gate, sink, token, place):
    with spam_gate.wire(f"{place}-open") as wire:
        wire.greet()
        assert deliver(wire, letter(token)).code == 250
    assert b"smtp.auth" not in b"".join(sink.wait_for_token(token).fields("Authentication-Results"))


@needs(rspamd)
@pytest.mark.parametrize("place", ["tcp", "unix"])
def test_rspamd_refuses_spam_and_goes_on(spam_gate, sink, token, place):
    with spam_gate.session(listener=place) as wire:
        reply = deliver(wire, letter(token + b"spam", gates.GTUBE + b"\r\n"))
        assert (reply.code, reply.enhanced) == (554, "5.7.1") and "gtube" in reply.text.lower(), reply
        assert deliver(wire, letter(token + b"ham")).code == 250
    sink.wait_for_token(token + b"ham")
    assert not sink.with_token(token + b"spam")


@needs(rspamd)
def test_rspamd_keeps_spam_for_the_administrator(spam_gate, sink, token):
    with spam_gate.session(listener="keeps") as wire:
        assert deliver(wire, letter(token, gates.GTUBE + b"\r\n")).code == 250
    message = held(spam_gate, token)
    assert not sink.with_token(token)
    spam_gate.ctl("queue", "release", str(message["id"]))
    sink.wait_for_token(token)
    spam_gate.wait_until_queue_is_empty()


# --- clamav-milter

@pytest.fixture(scope="module")
def virus_gate(serve):
    keeps = {"OnInfected              Reject": "OnInfected Quarantine"}
    return serve(tcp=clamav.ClamAv(), unix=clamav.ClamAv(unix=True), keeps=clamav.ClamAv(changes=keeps))


@needs(clamav)
@pytest.mark.parametrize("place", ["tcp", "unix"])
def test_clamav_refuses_what_it_knows_and_passes_the_rest(virus_gate, sink, token, place):
    with virus_gate.session(listener=place) as wire:
        reply = deliver(wire, letter(token + b"bad", b"look: " + clamav.BAD_WORD + b"\r\n"))
        assert 500 <= reply.code < 600 and "Sallyport.Test" in reply.text, reply
        assert deliver(wire, letter(token + b"good")).code == 250
    message = sink.wait_for_token(token + b"good")
    assert message.fields("X-Virus-Status") == [b"Clean"] and len(message.fields("X-Virus-Scanned")) == 1
    assert not sink.with_token(token + b"bad")


@needs(clamav)
@pytest.mark.parametrize("place", ["tcp", "unix"])
def test_clamav_reads_a_large_body_to_its_end(virus_gate, sink, token, place):
    body = (b"y" * 76 + b"\r\n") * 67000
    with virus_gate.session(listener=place, seconds=30) as wire:
        reply = deliver(wire, letter(token + b"bad", body + clamav.BAD_WORD + b"\r\n"))
        assert 500 <= reply.code < 600 and "Sallyport.Test" in reply.text, reply
        assert deliver(wire, letter(token + b"good", body)).code == 250
    assert sink.wait_for_token(token + b"good").body == body


@needs(clamav)
def test_clamav_keeps_what_it_knows_for_the_administrator(virus_gate, sink, token):
    with virus_gate.session(listener="keeps") as wire:
        assert deliver(wire, letter(token, clamav.BAD_WORD + b"\r\n")).code == 250
    message = held(virus_gate, token)
    assert not sink.with_token(token)
    virus_gate.ctl("queue", "delete", str(message["id"]))
    virus_gate.wait_until_queue_is_empty()


# --- SpamAssassin

@pytest.fixture(scope="module")
def assassin_gate(serve):
    marks = {" -r 15 -R 'Refused as spam'": ""}
    return serve(tcp=spamassassin.SpamAssassin(), marks=spamassassin.SpamAssassin(unix=True, changes=marks))


@needs(spamassassin)
@pytest.mark.parametrize("place", ["tcp", "marks"])
def test_spamassassin_marks_what_it_has_seen(assassin_gate, sink, token, place):
    with assassin_gate.session(listener=place, seconds=20) as wire:
        assert deliver(wire, letter(token)).code == 250
    message = sink.wait_for_token(token)
    assert message.fields("X-Spam-Status")[0].startswith(b"No, score="), message.header


@needs(spamassassin)
def test_spamassassin_refuses_spam_and_goes_on(assassin_gate, sink, token):
    with assassin_gate.session(listener="tcp", seconds=20) as wire:
        reply = deliver(wire, letter(token + b"spam", gates.GTUBE + b"\r\n"))
        assert 500 <= reply.code < 600 and "Refused as spam" in reply.text, reply
        assert deliver(wire, letter(token + b"ham")).code == 250
    sink.wait_for_token(token + b"ham")
    assert not sink.with_token(token + b"spam")


@needs(spamassassin)
def test_spamassassin_marks_spam_that_it_need_not_refuse(assassin_gate, sink, token):
    with assassin_gate.session(listener="marks", seconds=20) as wire:
        assert deliver(wire, letter(token, gates.GTUBE + b"\r\n")).code == 250
    message = sink.wait_for_token(token)
    assert message.fields("X-Spam-Flag") == [b"YES"]
    # GTUBE alone counts 1,000; what else SpamAssassin thinks of the letter may lessen that a little.
    score = re.match(rb"Yes, score=([0-9.]+) ", message.fields("X-Spam-Status")[0])
    assert score and float(score[1]) > 900, message.header
    assert gates.GTUBE in message.body


# --- OpenDMARC

@pytest.fixture(scope="module")
def dmarc_gate(serve):
    strict = {"RejectFailures          false": "RejectFailures true"}
    return serve(tcp=opendmarc.OpenDmarc(records=DMARC_RECORDS),
                 unix=opendmarc.OpenDmarc(unix=True, records=DMARC_RECORDS),
                 strict=opendmarc.OpenDmarc(records=DMARC_RECORDS, changes=strict))


@needs(opendmarc)
@pytest.mark.parametrize("place", ["tcp", "unix"])
def test_opendmarc_lets_alone_who_has_logged_in(dmarc_gate, sink, token, place):
    with dmarc_gate.session(listener=place) as wire:
        assert deliver(wire, letter(token)).code == 250
    assert sink.wait_for_token(token).fields("Authentication-Results") == []


@needs(opendmarc)
@pytest.mark.parametrize("place", ["tcp", "unix"])
def test_opendmarc_judges_strangers(dmarc_gate, sink, token, place):
    with dmarc_gate.wire(f"{place}-open") as wire:
        wire.greet()
        for which in (b"first", b"second"):
            assert deliver(wire, letter(token + which)).code == 250
    for which in (b"first", b"second"):
        results = sink.wait_for_token(token + which).fields("Authentication-Results")
        assert len(results) == 1 and results[0].startswith(b"mail.example.org; dmarc=fail (p=none"), results


@needs(opendmarc)
def test_opendmarc_refuses_by_the_policy_of_the_domain(dmarc_gate, sink, token):
    with dmarc_gate.wire("strict-open") as wire:
        wire.greet()
        reply = deliver(wire, letter(token + b"fake", sender=b"<boss@example.com>"), b"boss@example.com")
        assert (reply.code, reply.enhanced) == (550, "5.7.1") and "DMARC policy for example.com" in reply.text, reply
        assert deliver(wire, letter(token + b"plain")).code == 250
    sink.wait_for_token(token + b"plain")
    assert not sink.with_token(token + b"fake")


# --- OpenDMARC behind an OpenDKIM that verifies

BOSS = b"boss@example.com"     # of a domain whose policy is p=reject


@pytest.fixture(scope="module")
def author():
    """Whose server signs for example.com; it need not run."""
    key = opendkim.OpenDkim()
    yield key
    key.stop()


@pytest.fixture(scope="module")
def verified_gate(make_gate, sink, author):
    """The listener "verified" asks both, "bare" OpenDMARC alone."""
    strict = {"RejectFailures          false": "RejectFailures true"}
    verifier = opendkim.Verifier(f"mail._domainkey.example.com {author.record.decode()}\n")
    judge = opendmarc.OpenDmarc(records=DMARC_RECORDS, changes=strict)
    try:
        verifier.start()
        judge.start()
        yield make_gate(routes={"*": sink.target}, extra=judge.section("judge") + verifier.section("judge")
                        + gates.policies([], alone=["judge"]),
                        listeners={"verified": gates.strangers("strangers"), "bare": gates.strangers("alone")})
    finally:
        verifier.stop()
        judge.stop()


def signed(author, message):
    with open(author.key, "rb") as key:
        return opendkim.dkim.sign(message, b"mail", b"example.com", key.read()) + message


def tell(gate, listener, message):
    with gate.wire(listener) as wire:
        wire.greet()
        return deliver(wire, message, BOSS)


def assert_refused_by_policy(reply):
    assert (reply.code, reply.enhanced) == (550, "5.7.1") and "DMARC policy for example.com" in reply.text, reply


@needs(opendkim)
@needs(opendmarc)
def test_opendmarc_passes_what_the_verifier_before_it_found_signed(verified_gate, sink, author, token):
    message = signed(author, letter(token, sender=b"<" + BOSS + b">"))
    assert tell(verified_gate, "verified", message).code == 250
    arrived = sink.wait_for_token(token)
    results = b"\n".join(arrived.fields("Authentication-Results"))
    assert re.search(rb"mail\.example\.org;\s+dkim=pass [^;]*header\.d=example\.com", results), arrived.header
    assert b"mail.example.org; dmarc=pass (p=reject" in results, arrived.header
    # Alone it knows of no signature.
    assert_refused_by_policy(tell(verified_gate, "bare", message))


@needs(opendkim)
@needs(opendmarc)
@pytest.mark.parametrize("there, instead", [(b"first token", b"other token"), (b"\r\nSubject: ", b"\r\nSubject: Re: "),
                                            (b"DKIM-Signature: ", b"X-Signature: ")])
def test_opendmarc_refuses_what_was_changed_behind_the_signature(verified_gate, sink, author, token, there, instead):
    message = signed(author, letter(token, sender=b"<" + BOSS + b">"))
    assert message.count(there) == 1
    assert_refused_by_policy(tell(verified_gate, "verified", message.replace(there, instead)))
    assert not sink.with_token(token)


@needs(opendkim)
@needs(opendmarc)
def test_opendmarc_does_not_believe_results_that_a_stranger_wrote(verified_gate, sink, token):
    forged = b"Authentication-Results: mail.example.org; dkim=pass header.d=example.com\r\n"
    message = letter(token, sender=b"<" + BOSS + b">", more=forged * 3)
    assert_refused_by_policy(tell(verified_gate, "verified", message))
    assert not sink.with_token(token)
    # Alone it does: it is the verifier that takes them out.
    assert tell(verified_gate, "bare", message).code == 250
    sink.wait_for_token(token)
