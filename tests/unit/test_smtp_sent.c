/* SPDX-License-Identifier: BSD-2-Clause */
/* Which messages are the same one sent again. */
#include "unit.h"

#include <string.h>

#include "smtp/sent.h"

static const struct mail_session session = { .id = "s" };


/* alice to bob, and to eve in her own way. */
static struct mail *
sample(void)
{
	struct mail *mail = mail_new(&session, "one", 0);

	mail->sender = "alice@example.org";
	mail->envid = "";
	mail_add_recipient(mail, "bob@example.net", "", 0);
	mail_add_recipient(mail, "eve@example.net", "rfc822;eve", 1);
	buf_add_text(&mail->header_block, "Message-ID: <1@example.org>\r\n");
	buf_add_text(&mail->body, "text\r\n");
	mail->body_length = buf_length(&mail->body);
	return mail;
}

/* As the sample is; frees the other. */
static bool
is_same(struct mail *other)
{
	unsigned char a[DIGEST_BYTES];
	unsigned char b[DIGEST_BYTES];
	struct mail *one = sample();

	sent_hash(one, a);
	sent_hash(other, b);
	mail_free(&one);
	mail_free(&other);
	return memcmp(a, b, sizeof a) == 0;
}

static void
test_same(void **state)
{
	struct mail *other = sample();
	struct mail_recipient first = other->recipients[0];

	(void)state;
	assert_true(is_same(sample()));
	/* What is not the client's, and the order of recipients. */
	other->id = "two";
	other->now_ms = 1;
	other->allowed_sender = "x";
	other->recipients[0] = other->recipients[1];
	other->recipients[1] = first;
	assert_true(is_same(other));
}

static void
test_different(void **state)
{
	struct mail *other;

	(void)state;
	(other = sample())->sender = "";
	assert_false(is_same(other));
	(other = sample())->envid = "X";
	assert_false(is_same(other));
	(other = sample())->ret = 1;
	assert_false(is_same(other));
	(other = sample())->smtputf8 = true;
	assert_false(is_same(other));
	(other = sample())->recipient_count = 1;
	assert_false(is_same(other));
	(other = sample())->recipients[1].notify = 2;
	assert_false(is_same(other));
	(other = sample())->recipients[0].orcpt = "rfc822;bob";
	assert_false(is_same(other));
	buf_add_text(&(other = sample())->header_block, "X: y\r\n");
	assert_false(is_same(other));
	buf_add_text(&(other = sample())->body, "x");
	assert_false(is_same(other));
	/* Texts do not run into each other. */
	other = sample();
	other->recipients[0].path = "bob@example.ne";
	other->recipients[0].orcpt = "t";
	assert_false(is_same(other));
	/* A body in a file is known by its hash. */
	other = sample();
	other->body_fd = 0;
	assert_false(is_same(other));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
