/* SPDX-License-Identifier: BSD-2-Clause */
/* Which messages are the same one sent again. */
#include "queue/resend.h"
#include "unit.h"

#include <string.h>

static const struct message_recipient first = { .number = 0, .path = "bob@example.net",
	.orcpt = "" };
static const struct message_recipient second = { .number = 1, .path = "eve@example.net",
	.orcpt = "rfc822;eve", .notify = NOTIFY_DELAY };
static struct message_recipient recipients[2];

static struct message_commit
sample(void)
{
	recipients[0] = first;
	recipients[1] = second;
	return (struct message_commit){
		.id = "one", .session = "s", .login = "alice", .has_sent_hash = true,
		.sent_hash = { 1, 2, 3 },
		.envelope = { .sender = "alice@example.org", .envid = "", .recipient_count = 2,
			.recipients = recipients },
	};
}

static bool
is_same(const struct message_commit *left, const struct message_commit *right)
{
	unsigned char a[RESEND_KEY_BYTES];
	unsigned char b[RESEND_KEY_BYTES];
	assert_true(resend_key(left, a));
	assert_true(resend_key(right, b));
	return memcmp(a, b, sizeof(a)) == 0;
}

static void
test_same(void **state)
{
	(void)state;
	struct message_commit one = sample();
	struct message_commit other = sample();
	assert_true(is_same(&one, &other));
	/* Another connection. */
	other.id = "two";
	other.session = "t";
	other.listener = "submissions";
	other.client_address = "192.0.2.9";
	assert_true(is_same(&one, &other));
	/* Another envelope, which a filter made. */
	other.envelope = (struct message_envelope){ .sender = "tag=1=alice@example.org",
		.envid = "X", .smtputf8 = true, .recipient_count = 1, .recipients = recipients };
	assert_true(is_same(&one, &other));
}

static void
test_different(void **state)
{
	(void)state;
	struct message_commit one = sample();
	struct message_commit other;

	other = sample();
	other.login = "bob";
	assert_false(is_same(&one, &other));
	other = sample();
	other.sent_hash[31] = 1;
	assert_false(is_same(&one, &other));
}

static void
test_none(void **state)
{
	(void)state;
	unsigned char key[RESEND_KEY_BYTES];
	struct message_commit one = sample();
	one.login = "";
	assert_false(resend_key(&one, key));
	one = sample();
	one.has_sent_hash = false;
	assert_false(resend_key(&one, key));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_different),
		cmocka_unit_test(test_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
