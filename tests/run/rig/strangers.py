# SPDX-License-Identifier: BSD-2-Clause
"""A port 25: who comes without a login, and who has one."""

# Whoever has logged in sends by its own addresses, to anybody.
LOGINS_RELAY = 'permit "authenticated" { rights = { submit, relay } }\n'


def port_25(**more):
    """A listener that takes mail from strangers; its settings as text."""
    lines = {"protocol": "smtp", "address": '{ "127.0.0.1:0" }', "connections": "100", "tls": "starttls", **more}
    return "\n".join(f"  {name} = {value}" for name, value in lines.items()) + \
        '\n  permit "anonymous" { rights = { submit, any-sender } }'
