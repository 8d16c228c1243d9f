/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings of filters, and of who is asked about which mail. */
#include "config/schema_rows.h"

/* Who chooses the filters of a session: queue judges the envelope again, auth answers explain. */
enum { TO_CHOOSERS = TO_SMTP | TO_AUTH | TO_QUEUE };

/* Clients give up after two minutes, so a message is answered before. */
enum { MILTER_BUDGET_MOST_MS = 119 * SECOND };

#define ITEM struct settings_policy
static const struct schema_row policy_rows[] = {
	TEXTS("milters", milters, syntax_name, 64, "", TO_CHOOSERS,
		"Milter sections that every message passes, in this order; one that signs is the last"),
	DURATION("budget", budget, 100, MILTER_BUDGET_MOST_MS, "110s", TO_SMTP,
		"Longest time that all of them together have for one message; whose turn comes behind it "
		"is not asked, and its on-failure decides"),
};
#undef ITEM

const struct schema_section schema_policy = {
	.name = "policy",
	.titled = true,
	.title_standard = "default",
	.offset = offsetof(struct settings, policy),
	.size = sizeof(struct settings_policy),
	.most = 64,
	.title = syntax_name,
	.rows = policy_rows,
	.row_count = COUNT_OF(policy_rows),
	.title_word = "NAME",
	.help = "What every message of the listeners that name it passes; without a title it is "
		"\"default\", which is always there",
};

#define ITEM struct settings_milter
static const struct schema_row milter_rows[] = {
	ROW(SCHEMA_ENDPOINT, "address", address, NULL, TO_SMTP | TO_DIAL,
		"Where the filter listens: \"inet:127.0.0.1:8891\", \"unix:/run/filter.sock\"; the socket is "
		"no link to one, and in a folder in which everybody may write it must be root's or dial's "
		"own, and the folder sticky"),
	CHOICE("on-failure", on_failure,
		WORDS({ "tempfail", MILTER_FAILURE_TEMPFAIL }, { "accept", MILTER_FAILURE_ACCEPT },
			{ "reject", MILTER_FAILURE_REJECT }, { "hold", MILTER_FAILURE_HOLD }),
		"tempfail", TO_SMTP | TO_AUTH,
		"What happens to mail while the filter does not answer: put off, passed on without it, "
		"refused, held; mail that it has begun to change is never passed on"),
	NUMBER("version", version, 2, 6, "6", TO_SMTP,
		"Highest version of the milter protocol that is offered; old filters may need less"),
	DURATION("connect-wait", connect_wait, 100, MILTER_BUDGET_MOST_MS, "10s", TO_SMTP | TO_DIAL,
		"Longest time to connect"),
	DURATION("command-wait", command_wait, 100, MILTER_BUDGET_MOST_MS, "30s", TO_SMTP,
		"Longest wait for an answer to the first packet or to an envelope command"),
	DURATION("content-wait", content_wait, 100, MILTER_BUDGET_MOST_MS, "1m", TO_SMTP,
		"Longest wait for an answer to a part of the message"),
	DURATION("end-wait", end_wait, 100, MILTER_BUDGET_MOST_MS, "90s", TO_SMTP,
		"Longest wait for the verdict at the end of the message, or for a sign that it is still "
		"at work"),
	DURATION("budget", budget, 100, MILTER_BUDGET_MOST_MS, "100s", TO_SMTP,
		"Longest time for one message in all, connecting included; no wait is longer"),
	DURATION("rest", rest, 100, HOUR, "10s", TO_SMTP,
		"How long it is let alone after five failures in a row, while on-failure decides at once; "
		"then a message tries it again, and while that fails the rest doubles, up to six times "
		"this"),
	TEXTS("macros", macros, syntax_macro, 64, "", TO_SMTP,
		"Macros with a value of their own, \"{daemon_name}=ORIGINATING\"; without a value the "
		"macro is never sent"),
	TEXTS("listeners", listeners, syntax_name, 64, "", TO_CHOOSERS,
		"Listeners whose mail it is asked about, of those whose policy names it; empty is all"),
	CHOICE("logins", logins,
		WORDS({ "any", MILTER_LOGINS_ANY }, { "only", MILTER_LOGINS_ONLY },
			{ "none", MILTER_LOGINS_NONE }),
		"any", TO_CHOOSERS,
		"Whether it is asked about all mail, about that of logins only, or about that of "
		"strangers alone"),
	TEXTS("groups", groups, syntax_group, 1000, "", TO_CHOOSERS,
		"Groups of the directory whose members' mail it is asked about; empty is everybody's"),
	NETWORKS("networks", networks, 1000, "", TO_CHOOSERS,
		"Clients whose mail it is asked about; empty is everybody's"),
	SIZE("smallest", smallest, 0, 2 * GIB, "0", TO_SMTP | TO_AUTH,
		"Size from which on it is asked about a message"),
	SIZE("largest", largest, 0, 2 * GIB, "0", TO_SMTP | TO_AUTH,
		"Size up to which it is asked about a message; 0 is any"),
	YES_NO("change-envelope", change_envelope, "no", TO_SMTP | TO_QUEUE,
		"Whether it may put in senders and recipients that the client itself may not name"),
};
#undef ITEM

const struct schema_section schema_milter = {
	.name = "milter",
	.titled = true,
	.offset = offsetof(struct settings, milter),
	.size = sizeof(struct settings_milter),
	.most = 64,
	.title = syntax_name,
	.rows = milter_rows,
	.row_count = COUNT_OF(milter_rows),
	.title_word = "NAME",
	.help = "A filter that speaks the milter protocol; of its conditions all that are set must "
		"hold",
};
