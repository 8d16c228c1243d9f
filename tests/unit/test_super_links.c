/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "super/links.h"

static void
who_talks_to_whom(void **state)
{
	static const struct {
		enum role a;
		enum role b;
		enum link_kind kind;
	} talk[] = {
		{ ROLE_SMTP, ROLE_AUTH, LINK_CHANNEL },
		{ ROLE_SMTP, ROLE_KEYS, LINK_SIGN },
		{ ROLE_SMTP, ROLE_DIAL, LINK_CHANNEL },
		{ ROLE_SMTP, ROLE_QUEUE, LINK_CHANNEL },
		{ ROLE_MAILBOX, ROLE_AUTH, LINK_CHANNEL },
		{ ROLE_MAILBOX, ROLE_KEYS, LINK_SIGN },
		{ ROLE_MAILBOX, ROLE_DIAL, LINK_CHANNEL },
		{ ROLE_AUTH, ROLE_QUEUE, LINK_CHANNEL },
		{ ROLE_QUEUE, ROLE_RELAY, LINK_CHANNEL },
	};
	unsigned count = 0;
	enum link_kind kind;

	(void)state;
	for (size_t i = 0; i < sizeof talk / sizeof talk[0]; i++) {
		assert_true(links_find(talk[i].a, talk[i].b, &kind));
		assert_int_equal(kind, talk[i].kind);
		assert_true(links_find(talk[i].b, talk[i].a, &kind));
	}
	/* And nobody else: the keys and the relay never meet. */
	for (enum role a = ROLE_SUPER; a < ROLE_COUNT; a++) {
		for (enum role b = ROLE_SUPER; b < ROLE_COUNT; b++)
			count += links_find(a, b, &kind);
	}
	assert_int_equal(count, 2 * sizeof talk / sizeof talk[0]);
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
