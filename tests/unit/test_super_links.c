/* SPDX-License-Identifier: BSD-2-Clause */
/* Which roles talk to each other, and that messages agree with it. */
#include "unit.h"

#include "super/links.h"

/* Those that a role talks to; "!" behind those between which signatures pass. */
static void
list_peers(enum role role, struct buf *list)
{
	enum link_kind kind;

	for (enum role peer = ROLE_SUPER; peer < ROLE_COUNT; peer++)
		if (links_find(role, peer, &kind))
			buf_printf(list, " %s%s", role_name(peer), kind == LINK_SIGN ? "!" : "");
}

/* And nobody else: the keys and the relay never meet. */
static void
who_talks_to_whom(void **state)
{
	static const char *const peers[ROLE_COUNT] = {
		[ROLE_SMTP] = " auth keys! dial queue",
		[ROLE_MAILBOX] = " auth keys! dial",
		[ROLE_AUTH] = " smtp mailbox queue",
		[ROLE_KEYS] = " smtp! mailbox!",
		[ROLE_DIAL] = " smtp mailbox",
		[ROLE_QUEUE] = " smtp auth relay",
		[ROLE_RELAY] = " queue",
	};

	(void)state;
	for (enum role role = ROLE_SUPER; role < ROLE_COUNT; role++) {
		struct buf list = BUF_INIT(0);

		list_peers(role, &list);
		assert_string_equal(buf_text(&list), peers[role] ? peers[role] : "");
		buf_fini(&list);
	}
}

/* A link without a message that may pass it, or messages without a link, would be a slip. */
static void
links_and_messages_agree(void **state)
{
	(void)state;
	for (enum role a = ROLE_SMTP; a < ROLE_COUNT; a++) {
		for (enum role b = ROLE_SMTP; b < ROLE_COUNT; b++) {
			unsigned messages = 0;
			enum link_kind kind;

			for (unsigned id = 1; id < MESSAGE_COUNT; id++) {
				const struct message_rule *rule = message_rule(id);

				if (id != MSG_REFUSED)
					messages += (rule->from & ROLE_BIT(a)) &&
						(rule->to & ROLE_BIT(b)) &&
						!(rule->to & ROLE_BIT(ROLE_SUPER)) &&
						!(rule->from & ROLE_BIT(ROLE_SUPER));
			}
			if (messages)
				assert_true(links_find(a, b, &kind));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_talks_to_whom),
		cmocka_unit_test(links_and_messages_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
