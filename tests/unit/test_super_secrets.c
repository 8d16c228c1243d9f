/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that super makes and renews. */
#include "unit.h"

#include "ipc/grant.h"
#include "super/secrets.h"

static struct settings_listener list[] = {
	{ .title = "submission", .tls = LISTENER_TLS_STARTTLS, .tls_ticket_life = 1000 },
	{ .title = "submissions", .tls = LISTENER_TLS_IMPLICIT, .tls_ticket_life = 1000 },
	{ .title = "plain", .tls = LISTENER_TLS_NONE, .tls_ticket_life = 1000 },
	{ .title = "no-tickets", .tls = LISTENER_TLS_IMPLICIT, .tls_ticket_life = 0 },
};
static struct settings settings = { .listener = { list, 4 } };

struct seen {
	unsigned changes;
	char last[SECRETS_TICKET_KEY_BYTES];
};

static void
on_change(void *context, const char *listener, struct span key)
{
	struct seen *seen = context;

	assert_int_equal(key.length, SECRETS_TICKET_KEY_BYTES);
	assert_memory_equal(listener, "submission", 10);
	memcpy(seen->last, key.start, key.length);
	seen->changes++;
}

static void
keys(void **state)
{
	struct seen seen = { 0, "" };
	struct loop *loop = loop_new();
	struct secrets *secrets = secrets_new(loop, on_change, &seen);
	char first[SECRETS_TICKET_KEY_BYTES];
	struct span key;

	(void)state;
	assert_int_equal(secrets_grant_key(secrets).length, GRANT_KEY_BYTES);
	assert_int_equal(secrets_ticket_key(secrets, "submission").length, 0);
	secrets_set_listeners(secrets, &settings);
	key = secrets_ticket_key(secrets, "submission");
	assert_int_equal(key.length, SECRETS_TICKET_KEY_BYTES);
	/* A ticket of one listener opens nothing on another. */
	assert_false(span_equal(key, secrets_ticket_key(secrets, "submissions")));
	assert_int_equal(secrets_ticket_key(secrets, "plain").length, 0);
	assert_int_equal(secrets_ticket_key(secrets, "no-tickets").length, 0);
	memcpy(first, key.start, sizeof first);

	/* A reload keeps the keys of what stays, and forgets the rest. */
	settings.listener.count = 1;
	secrets_set_listeners(secrets, &settings);
	assert_memory_equal(secrets_ticket_key(secrets, "submission").start, first, sizeof first);
	assert_int_equal(secrets_ticket_key(secrets, "submissions").length, 0);
	assert_int_equal(seen.changes, 0);

	secrets_rotate(secrets);
	assert_int_equal(seen.changes, 1);
	key = secrets_ticket_key(secrets, "submission");
	assert_memory_equal(key.start, seen.last, sizeof seen.last);
	assert_memory_not_equal(key.start, first, sizeof first);
	secrets_free(&secrets);
	loop_free(&loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(keys) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
