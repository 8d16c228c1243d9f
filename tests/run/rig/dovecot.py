# SPDX-License-Identifier: BSD-2-Clause
"""A private Dovecot: LMTP over a socket and TCP, IMAP, and an authentication service for Postfix."""
import imaplib
import os

from rig import ground
from rig.deadline import until

CONFIG = """
base_dir = {path}/run
state_dir = {path}/state
log_path = {log}
instance_name = {name}
protocols = imap lmtp
listen = 127.0.0.1
ssl = {ssl}
disable_plaintext_auth = no
auth_mechanisms = plain login scram-sha-256 scram-sha-1
auth_failure_delay = 0
mail_location = maildir:~/Maildir
mail_max_userip_connections = 0
first_valid_uid = 1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
default_process_limit = 50
passdb {{
  driver = passwd-file
  args = username_format=%u {path}/users
}}
{any_mailbox}
userdb {{
  driver = static
  args = uid={user} gid={group} home={path}/mail/%u allow_all_users={all_users}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {auth_port}
  }}
}}
service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  user = {user}
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
  unix_listener {path}/lmtp {{
    mode = 0666
  }}
}}
"""


def missing():
    """Why there can be no Dovecot here; None if there can."""
    if not ground.find_program("dovecot"):
        return "dovecot is not installed"
    for part in ("imap", "lmtp"):
        if not os.path.exists(f"/usr/lib/dovecot/{part}"):
            return f"dovecot-{part}d is not installed"
    return None


ANY_MAILBOX = """passdb {
  driver = static
  args = password=mailboxpw
}"""


class Dovecot:
    """
    users: login -> password, for IMAP and for AUTH; with any_mailbox every mailbox opens with
    "mailboxpw", and without all_users LMTP takes mail for the users alone. With a log file the server
    outlives its starter.
    """

    def __init__(self, users=None, certificate=None, path=None, imap_port=None, any_mailbox=True, log=None,
                 all_users=True):
        self.path = path or ground.folder("dovecot")
        self.imap_port = imap_port or ground.free_port()
        self.lmtp_port, self.auth_port = ground.free_port(), ground.free_port()
        self.log = log
        self.lmtp_path = os.path.join(self.path, "lmtp")
        text = CONFIG.format(path=self.path, name=os.path.basename(self.path),
                             user=ground.USER.pw_name, group=ground.GROUP.gr_name,
                             ssl="yes" if certificate else "no", log=log or "/dev/stderr",
                             any_mailbox=ANY_MAILBOX if any_mailbox else "", imap_port=self.imap_port,
                             lmtp_port=self.lmtp_port, auth_port=self.auth_port,
                             all_users="yes" if all_users else "no")
        if certificate:
            text += f"ssl_cert = <{certificate[0]}\nssl_key = <{certificate[1]}\n"
        self.config = ground.write(os.path.join(self.path, "dovecot.conf"), text)
        ground.write(os.path.join(self.path, "users"), "".join(
            f"{login}:{{PLAIN}}{password}::::::\n" for login, password in (users or {}).items()))
        self.program = None

    def start(self):
        self.program = ground.Program(
            [ground.find_program("dovecot"), "-F", "-c", self.config], log=self.log)
        ground.wait_until_accepts(self.imap_port, self.program)
        ground.wait_until_accepts(self.lmtp_port, self.program)
        until(lambda: os.path.exists(self.lmtp_path), 10, "the LMTP socket")
        return self

    def stop(self):
        if self.program:
            self.program.stop()
        ground.remove(self.path)

    def messages(self, mailbox):
        """The raw messages in INBOX of one mailbox, read by IMAP."""
        with imaplib.IMAP4("127.0.0.1", self.imap_port) as imap:
            imap.login(mailbox, "mailboxpw")
            imap.select("INBOX", readonly=True)
            _, (numbers,) = imap.search(None, "ALL")
            return [imap.fetch(number, "(BODY.PEEK[])")[1][0][1] for number in numbers.split()]

    def wait_for_message(self, mailbox, token, seconds=15):
        """The first message in the mailbox that contains the token."""
        token = token.encode() if isinstance(token, str) else token

        def look():
            return [raw for raw in self.messages(mailbox) if token in raw]
        return until(look, seconds, lambda: f"{token!r} in {mailbox}\n{self.program.tail(10)}")[0]
