# SPDX-License-Identifier: BSD-2-Clause
"""Configurations of a daemon with filters, and the messages that try them."""
import base64

from rig.judge import DATE, letter

# GTUBE, which every scanner takes for spam: not written out, or this file could not be mailed.
GTUBE = base64.b64decode("WEpTKkM0SkRCUUFETjEuTlNCTjMqMklETkVOKkdUVUJFLVNUQU5EQVJELUFOVEktVUJFLVRFU1QtRU1BSUwqQy4zNFg=")


def policies(sections, **chains):
    """For `extra`: the milter sections, and policies of names of these."""
    return "".join(sections) + "".join(
        f'policy "{name}" {{ milters = {{ {", ".join(f"{chr(34)}{each}{chr(34)}" for each in chain)} }} }}\n'
        for name, chain in chains.items())


def logins(policy):
    """A listener for those who log in."""
    return {"protocol": "smtp", "tls": "starttls", "policy": f'"{policy}"'}


def strangers(policy, more=""):
    """A listener of text for clients of loopback, who need not log in and may send as anybody."""
    return ('protocol = smtp\naddress = { "127.0.0.1:0" }\ntls = none\nlogin = off\nconnections = 500\n'
            'connections-before-login = 400\nmessage-size = 20M\n'
            'permit "network:127.0.0.0/8" { rights = { submit, relay, any-sender, own-domain-sender } }\n'
            f'policy = "{policy}"\n{more}')


def odd_letter(token, sender=b"<alice@example.org>"):
    """What a canonicalization may trip over: no blank behind a colon, folds, trailing blanks, empty lines, dots."""
    return (b"Date:" + DATE + b"\r\nFROM:" + sender + b"\r\nTo:bob@example.net\r\n"
            b"Message-ID:\t<" + token + b"@client.example.org>\r\nSubject:\r\n\t folded,   oddly \t\r\n  " + token
            + b"\r\nX-Empty:\r\nX-Blank: \r\n\r\n.\r\n..two\r\ntrailing \t \r\n\r\nlast\r\n\r\n\r\n")


def with_orders(token, *orders, field=b"X-Do", body=b""):
    """A letter that tells an obedient filter what to do."""
    return letter(token, body, more=b"".join(field + b": " + order.encode() + b"\r\n" for order in orders))
