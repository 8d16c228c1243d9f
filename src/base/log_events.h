/* SPDX-License-Identifier: BSD-2-Clause */
/* The one table of events. EVENT(id, name, level, meaning): names are dotted, component first. */
/* No include guard: log.h and log.c read it with different meanings of EVENT. */

/* every role */
EVENT(ROLE_READY, "role.ready", NOTICE, "a role has entered its sandbox and serves")
EVENT(ROLE_STOPPED, "role.stopped", NOTICE, "a role has ended in order")
EVENT(ROLE_FAILED, "role.failed", ERROR, "a role cannot go on and ends")
EVENT(ROLE_RELOADED, "role.reloaded", INFO, "a role has taken new settings")
EVENT(ROLE_KEPT, "role.kept", WARNING, "a role refused new settings and keeps the old ones")
EVENT(ROLE_ORPHANED, "role.orphaned", ERROR, "super is gone; the role ends in order")
EVENT(ROLE_SANDBOX, "role.sandbox", NOTICE, "a part of the sandbox that this kernel or build does not have")
EVENT(CHANNEL_REFUSED, "channel.refused", ERROR, "another role sent what it may not send; its channel was dropped")
EVENT(CHANNEL_CLOSED, "channel.closed", NOTICE, "the other end of a channel went away")

/* super */
EVENT(SUPER_READY, "super.ready", NOTICE, "everything is started, every listener accepts")
EVENT(SUPER_STOPPING, "super.stopping", NOTICE, "an orderly stop begins")
EVENT(SUPER_STOPPED, "super.stopped", NOTICE, "everything has ended")
EVENT(SUPER_FAILED, "super.failed", ERROR, "the daemon cannot start, or cannot go on")
EVENT(SUPER_RELOADED, "super.reloaded", NOTICE, "the configuration was read again and is in use")
EVENT(SUPER_KEPT, "super.kept", ERROR, "a new configuration was refused, wholly or by a role; the old one stays there")
EVENT(LISTENING, "super.listening", INFO, "an address is bound")
EVENT(CHILD_STARTED, "role.started", INFO, "a role's process was started")
EVENT(CHILD_ENDED, "role.ended", NOTICE, "a role's process has ended as it was told to")
EVENT(CHILD_DIED, "role.died", ERROR, "a role's process has ended unasked")
EVENT(CHILD_KILLED, "role.killed", ERROR, "a role's process had to be killed")
EVENT(CHILD_LEFT, "role.left", ERROR, "a role's process did not die of SIGKILL, and the stop goes on without it")
EVENT(CHILD_RESTART, "role.restart", NOTICE, "a role will be started again")
EVENT(CONTROL_REFUSED, "control.refused", WARNING, "a client of the control socket was turned away")
EVENT(CONTROL_VERB, "control.verb", INFO, "the administrator asked for something")
EVENT(LOGS_KEPT, "logs.kept", ERROR, "a log file could not be rolled, or not opened anew; the old one stays in use")
EVENT(LOGS_OPENED, "logs.opened", INFO, "the log files were opened anew")

/* sockets and streams */
EVENT(ACCEPT_SHORT, "accept.short", ERROR, "connections cannot be taken for want of fds or memory; shed tells how many were closed")

/* relay */
EVENT(HOP_FAILED, "hop.failed", WARNING, "a connection to a next hop could not be made, or broke; its jobs are tried again")

/* dial */
EVENT(DIAL_FAILED, "dial.failed", WARNING, "a named endpoint could not be connected within its deadline")

/* queue */
EVENT(SPOOL_SET_ASIDE, "spool.set-aside", WARNING, "something in the spool's folder was not ours and was moved to corrupt/")
EVENT(SPOOL_FAILED, "spool.failed", ERROR, "the disk or the database of the spool fails; nothing is accepted until it is well")
EVENT(SPOOL_FULL, "spool.full", ERROR, "the spool's disk is full; nothing is accepted, deliveries go on")
EVENT(SPOOL_WELL, "spool.well", NOTICE, "the spool works again")
EVENT(SPOOL_TORN, "spool.torn", ERROR, "a message is not what was written; it is held and kept")
EVENT(QUEUE_BACKUP, "queue.backup", NOTICE, "a backup of the queue was made")
EVENT(SPOOL_DAMAGED, "spool.damaged", ERROR, "the queue's database is damaged; queue starts again and salvages what can be read")
EVENT(SPOOL_SALVAGED, "spool.salvaged", ERROR, "a damaged database was replaced by what could be read of it; the old one is kept in corrupt/")
EVENT(SPOOL_LOST, "spool.lost", ERROR, "a message stood in a damaged database and could not be read")
EVENT(SPOOL_MIGRATED, "spool.migrated", NOTICE, "the queue's database was of an older version and was brought up to date; a copy of the old one is kept")
EVENT(SPOOL_OPENED, "spool.opened", NOTICE, "the spool was opened and recovered")
EVENT(QUEUE_CHANGED, "queue.changed", NOTICE, "the administrator held, released, flushed or deleted a message")
EVENT(QUEUE_PRESSURE, "queue.pressure", WARNING, "the queue is short of room and mail is refused, or it is well again")
EVENT(QUEUE_CLOCK, "queue.clock", ERROR, "the wall clock has jumped and is not believed, or it is back; kept is the time in use")
EVENT(QUEUE_GAP, "queue.gap", WARNING, "the clock is more than a day ahead of where it was when queue last ran, or is behind it; mail from before ages by its own time")
EVENT(QUEUE_RESULT, "queue.result", INFO, "what became of one recipient: delivered, relayed, deferred or failed")
EVENT(QUEUE_NOTICE, "queue.notice", INFO, "a notice to a sender was queued; about names the message it tells of")
EVENT(QUEUE_HELD_TOLD, "queue.held-told", NOTICE, "a notice that the mail of a login is held was queued; about names the first message")
EVENT(QUEUE_HELD, "queue.held", WARNING, "a notice to the postmaster cannot be delivered; it is held")
EVENT(QUEUE_UNTOLD, "queue.untold", WARNING, "a message without a sender failed; nobody is told, so it ends here")

/* client connections */
EVENT(CLIENT_OPENED, "client.opened", DEBUG, "a client connected and was let in")
EVENT(CLIENT_CLOSED, "client.closed", INFO, "a session is over, and why")
EVENT(CLIENT_REFUSED, "client.refused", NOTICE, "a connection met a limit and got no session")
EVENT(CLIENT_UNCOUNTED, "client.uncounted", NOTICE, "so many addresses are connected that this one is not counted by itself")
EVENT(CLIENT_PHASE, "client.phase", DEBUG, "what a session waits for has changed")
EVENT(CLIENT_SECURE, "client.secure", DEBUG, "a TLS handshake is done")
EVENT(CLIENT_TLS_FAILED, "client.tls-failed", NOTICE, "TLS could not be started")
EVENT(CLIENT_TLS_OLD, "client.tls-old", WARNING, "a listener speaks TLS 1.0 or 1.1, as its tls-minimum says")
EVENT(CLIENT_CERTIFICATE, "client.certificate", INFO, "a client showed a certificate that holds, and its names")
EVENT(CLIENT_CERTIFICATE_BAD, "client.certificate-bad", NOTICE, "a client showed a certificate that does not hold; the session goes on without it")
EVENT(CLIENT_INJECTED, "client.injected", WARNING, "clear text stood behind STARTTLS: somebody tampers with the connection")
EVENT(CLIENT_PROXY_BAD, "client.proxy-bad", WARNING, "a balancer did not begin with a PROXY header")
EVENT(CLIENT_LOGIN, "client.login", INFO, "a client has logged in")
EVENT(CLIENT_LOGIN_FAILED, "client.login-failed", NOTICE, "a login did not come about, and why")
EVENT(CLIENT_LOGIN_INSECURE, "client.login-insecure", WARNING, "a client logs in without TLS, as its network may")
EVENT(CLIENT_REVOKED, "client.revoked", NOTICE, "a login no longer holds; its session ends at the next command")
EVENT(CLIENT_SIGN_FAILED, "client.sign-failed", ERROR, "a handshake got no signature from keys")
EVENT(CLIENT_CERTIFICATE_EXPIRES, "client.certificate-expires", WARNING, "a certificate ends soon")

/* auth */
EVENT(DIRECTORY_DOWN, "directory.down", ERROR, "accounts cannot be looked up; logins are put off, or go by what was known last")
EVENT(DIRECTORY_BACK, "directory.back", NOTICE, "accounts can be looked up again")
EVENT(DIRECTORY_MIGRATED, "directory.migrated", NOTICE, "the accounts database was brought to a newer schema; a copy of the old one stands beside it")
EVENT(ACCOUNT_CHANGED, "account.changed", NOTICE, "the administrator changed an account")
EVENT(GROUP_CHANGED, "group.changed", NOTICE, "the administrator changed a group")
EVENT(ACCOUNT_TOO_LARGE, "account.too-large", ERROR, "an account holds more than its session's message takes; it cannot log in")
EVENT(LOGINS_UNSEEN, "logins.unseen", WARNING, "what was seen of logins could not be written; it is forgotten")
EVENT(LOOKUP_REFUSED, "lookup.refused", WARNING, "a client of the look-up socket was turned away; others within a minute are not told of")
EVENT(LOGIN_EXPIRED, "login.expired", NOTICE, "an account or app password has come to its end, and so does a session of it")
EVENT(LOGIN_REVOKED, "login.revoked", NOTICE, "something was taken from a login; its sessions end, its grants are void")
EVENT(USAGE_KEPT, "usage.kept", DEBUG, "what logins have used up was written down")
EVENT(USAGE_UNKEPT, "usage.unkept", ERROR, "what logins have used up could not be written down; a restart would make their budgets whole")
EVENT(LOGIN_HELD, "login.held", WARNING, "a login has met its budget: its mail is held from now on, and those who must know are told")
EVENT(SESSION_DOUBTED, "session.doubted", WARNING, "a front end spoke of a session whose grant does not bear it out; it has to log in again")
EVENT(SESSIONS_LATE, "sessions.late", WARNING, "a front end did not say in time who is logged in; logins are served all the same")

/* smtp */
EVENT(SMTP_STATE, "smtp.state", DEBUG, "how far a dialogue has come has changed")
EVENT(SMTP_REFUSED, "smtp.refused", NOTICE, "a sender, recipient or message was refused, and by what")
EVENT(SMTP_RECIPIENT, "smtp.recipient", INFO, "a recipient in a domain of ours is unknown, takes no mail for now, or nobody could say")
EVENT(SMTP_ACCEPTED, "smtp.accepted", INFO, "a message was accepted and is safe in the queue")
EVENT(SMTP_DISCARDED, "smtp.discarded", NOTICE, "a message was accepted and thrown away, as the policy wants")

/* filters */
EVENT(MILTER_CHANGED, "milter.changed", INFO, "a filter changed a message, and what; body is the length of a new one")
EVENT(MILTER_PASSED_OVER, "milter.passed-over", WARNING, "changes that a filter wanted were not made, and why")

/* keys */
EVENT(SIGN_REFUSED, "keys.refused", WARNING, "a front end asked for a signature that it does not get")

/* milter */
EVENT(MILTER_CONNECTED, "milter.connected", DEBUG, "a filter was connected, and what was agreed with it")
EVENT(MILTER_NOT_ASKED, "milter.not-asked", DEBUG, "a filter of the policy was not asked about a message: the condition, or the right, that kept it from that")
EVENT(MILTER_VERDICT, "milter.verdict", INFO, "what a filter said of a message, and how long it took, connecting not counted")
EVENT(MILTER_FAILED, "milter.failed", WARNING, "a filter did not do its part for a message; verdict is what its on-failure made of it; more is how many milter.failed-again there were since")
EVENT(MILTER_FAILED_AGAIN, "milter.failed-again", INFO, "the same, of one that cannot be connected or does not negotiate, less than a minute after milter.failed said so")
EVENT(MILTER_ODD, "milter.odd", NOTICE, "a filter did what it should not, and it was passed over")
EVENT(MILTER_RESTS, "milter.rests", ERROR, "a filter has failed again and again, and is let alone for a while; its on-failure decides")
EVENT(MILTER_SKIPPED, "milter.skipped", NOTICE, "a filter that is let alone was not asked about a message; verdict is what its on-failure made of it")
EVENT(MILTER_BACK, "milter.back", NOTICE, "a filter that was let alone works again")

/* filter */
EVENT(FILTER_STARTED, "filter.started", NOTICE, "sallyport-milter listens at this address")
EVENT(FILTER_STOPPED, "filter.stopped", NOTICE, "sallyport-milter has ended")
EVENT(FILTER_FAILED, "filter.failed", ERROR, "sallyport-milter could not start, or its server ended by itself")
EVENT(FILTER_RELOADED, "filter.reloaded", NOTICE, "the configuration was read again and is in force")
EVENT(FILTER_RELOAD_FAILED, "filter.reload-failed", ERROR, "the configuration has a fault, or asks for what needs a restart; the old one stays in force")
EVENT(FILTER_REFUSED, "filter.refused", NOTICE, "a message was refused; in mode log it passed and would have been")
EVENT(FILTER_PASSED, "filter.passed", INFO, "a message passed, and what allowed it or was changed")
EVENT(FILTER_PASSED_OVER, "filter.passed-over", WARNING, "a line of a table counts for nothing, and why; more is how many others")
EVENT(FILTER_UNSURE, "filter.unsure", WARNING, "nobody can say who a login is; its mail is put off")
EVENT(FILTER_BROKEN, "filter.broken", WARNING, "the mail server did not take an answer; the message is put off")
