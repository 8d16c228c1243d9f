/* SPDX-License-Identifier: BSD-2-Clause */
/* SCRAM through Cyrus SASL with keys of our own: each outcome of the table in the contract. */
#include "scram_client.h"

#include <pthread.h>
#include <stdatomic.h>

#include "auth/mech.h"
#include "base/memory.h"

#define DATA SPAN_LITERAL("0123456789abcdef0123456789abcdef")

struct talk {
	struct mech *mech;
	struct scram_client client;
	struct buf challenge;
	enum mech_result result;
};

static void
begin(struct talk *talk, const char *mechanism, bool sha1)
{
	*talk = (struct talk){ .client = { .sha1 = sha1, .gs2 = "n,,", .password = "pencil" } };
	talk->mech = mech_new(mechanism, "smtp", "mail.example.org");
}

static void
set_keys(struct talk *talk, const char *password)
{
	struct scram_keys keys;

	scram_keys_derive(&keys, talk->client.sha1 ? SCRAM_SHA_1 : SCRAM_SHA_256, 4096,
		span_text("salt of alice"), span_text(password));
	mech_set_keys(talk->mech, &keys);
}

static enum mech_result
step(struct talk *talk, struct span response)
{
	buf_clear(&talk->challenge);
	talk->result = mech_step(talk->mech, &response, &talk->challenge);
	return talk->result;
}

/* Both messages of the client; the result is that of the second. */
static enum mech_result
say_both(struct talk *talk, const char *login)
{
	if (step(talk, scram_client_first(&talk->client, login)) != MECH_CONTINUE)
		return talk->result;
	return step(talk, scram_client_final(&talk->client, buf_span(&talk->challenge)));
}

static void
end(struct talk *talk)
{
	mech_free(&talk->mech);
	assert_null(talk->mech);
	buf_fini(&talk->challenge);
}

static void
lets_the_right_password_in(void **state)
{
	static const char *const names[] = { "SCRAM-SHA-256", "SCRAM-SHA-1" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct talk talk;
		char signature[80];

		begin(&talk, names[i], i == 1);
		set_keys(&talk, "pencil");
		assert_int_equal(say_both(&talk, "alice"), MECH_CONTINUE);
		assert_string_equal(mech_login(talk.mech), "");
		/* The server proves that it has the keys, too. */
		snprintf(signature, sizeof signature, "v=%s", talk.client.signature);
		assert_span_equal(buf_span(&talk.challenge), signature);
		assert_int_equal(step(&talk, SPAN_EMPTY), MECH_DONE);
		assert_string_equal(mech_login(talk.mech), "alice");
		end(&talk);
	}
}

static void
keeps_the_wrong_password_out(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, "SCRAM-SHA-256", false);
	set_keys(&talk, "other");
	assert_int_equal(say_both(&talk, "alice"), MECH_REFUSED);
	assert_string_equal(mech_login(talk.mech), "");
	assert_int_not_equal(strlen(mech_reason(talk.mech)), 0);
	end(&talk);
}

/* What Cyrus SASL would answer with success: any step of a connection that has ended. */
static void
is_of_no_use_after_its_end(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, "SCRAM-SHA-256", false);
	set_keys(&talk, "other");
	assert_int_equal(say_both(&talk, "alice"), MECH_REFUSED);
	assert_int_equal(step(&talk, SPAN_EMPTY), MECH_FAULT);
	assert_int_equal(step(&talk, span_text("n,,n=alice,r=x")), MECH_FAULT);
	end(&talk);
	begin(&talk, "SCRAM-SHA-256", false);
	set_keys(&talk, "pencil");
	say_both(&talk, "alice");
	assert_int_equal(step(&talk, SPAN_EMPTY), MECH_DONE);
	assert_int_equal(step(&talk, SPAN_EMPTY), MECH_FAULT);
	end(&talk);
}

static void
asks_first_where_the_client_said_nothing(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, "SCRAM-SHA-256", false);
	set_keys(&talk, "pencil");
	assert_int_equal(mech_step(talk.mech, NULL, &talk.challenge), MECH_CONTINUE);
	assert_int_equal(buf_length(&talk.challenge), 0);
	assert_int_equal(say_both(&talk, "alice"), MECH_CONTINUE);
	end(&talk);
}

static void
serves_nothing_but_what_was_loaded(void **state)
{
	static const char *const names[] = {
		"PLAIN", "LOGIN", "PLAIN-PLUS", "CRAM-MD5", "DIGEST-MD5", "NTLM", "OTP", "ANONYMOUS",
		"EXTERNAL", "GSSAPI", "GSS-SPNEGO", "GS2-KRB5", "", "../x", "SCRAM",
	};
	struct talk talk;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		begin(&talk, names[i], false);
		set_keys(&talk, "pencil");
		assert_int_equal(step(&talk, SPAN_LITERAL("\0alice\0pencil")), MECH_UNKNOWN);
		end(&talk);
	}
}

struct binding_case {
	const char *mechanism;
	const char *gs2;
	const char *name;    /* that the server was given */
	const char *data;    /* that the client uses */
	enum mech_result wanted;
};

static const struct binding_case bindings[] = {
	{ "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "tls-exporter",
		"0123456789abcdef0123456789abcdef", MECH_CONTINUE },
	{ "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", "tls-server-end-point",
		"0123456789abcdef0123456789abcdef", MECH_CONTINUE },
	{ "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "tls-exporter",
		"0123456789abcdef0123456789abcdeF", MECH_MALFORMED },
	{ "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "tls-exporter", "", MECH_MALFORMED },
	{ "SCRAM-SHA-256", "y,,", "tls-exporter", "", MECH_REFUSED },
	{ "SCRAM-SHA-256", "n,,", "tls-exporter", "", MECH_CONTINUE },
};

static void
checks_the_channel_binding(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++) {
		struct talk talk;

		begin(&talk, bindings[i].mechanism, false);
		set_keys(&talk, "pencil");
		mech_set_binding(talk.mech, bindings[i].name, DATA);
		talk.client.gs2 = bindings[i].gs2;
		talk.client.binding = span_text(bindings[i].data);
		assert_int_equal(say_both(&talk, "alice"), bindings[i].wanted);
		end(&talk);
	}
}

static void
says_what_is_malformed(void **state)
{
	static const char *const firsts[] = { "rubbish", "n,,n=alice", "n,,r=x,n=alice" };
	struct talk talk;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		begin(&talk, "SCRAM-SHA-256", false);
		set_keys(&talk, "pencil");
		assert_int_equal(step(&talk, span_text(firsts[i])), MECH_MALFORMED);
		end(&talk);
	}
}

/* Without keys there is nobody to be: a fault of ours, never a success. */
static void
lets_nobody_in_without_keys(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, "SCRAM-SHA-256", false);
	say_both(&talk, "alice");
	assert_int_not_equal(talk.result, MECH_CONTINUE);
	assert_int_not_equal(talk.result, MECH_DONE);
	end(&talk);
}

enum { THREADS = 4, LOGINS = 200 };
static atomic_int good_logins;

static void *
log_in_often(void *context)
{
	(void)context;
	for (int i = 0; i < LOGINS; i++) {
		bool wrong = i % 2;
		struct talk talk;

		begin(&talk, "SCRAM-SHA-256", false);
		set_keys(&talk, wrong ? "other" : "pencil");
		if (say_both(&talk, "alice") == (wrong ? MECH_REFUSED : MECH_CONTINUE) &&
			(wrong || step(&talk, SPAN_EMPTY) == MECH_DONE))
			good_logins++;
		end(&talk);
	}
	return NULL;
}

/* Keys of one exchange must never be seen by another on the next thread. */
static void
keeps_threads_apart(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_in_often, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(good_logins, THREADS * LOGINS);
}

static int
start(void **state)
{
	struct mech_rule rule = { .plugin_dir = "", .scram = true, .keytab = "" };
	struct fault fault;

	(void)state;
	if (mech_start(&rule, &fault))
		return 0;
	print_message("%s\n", fault.text);
	return -1;
}

static int
stop(void **state)
{
	(void)state;
	mech_stop();
	return 0;
}

static void
says_which_module_is_missing(void **state)
{
	struct mech_rule rule = { .plugin_dir = "/nonexistent", .scram = true, .keytab = "" };
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_false(mech_start(&rule, &fault));
	assert_non_null(strstr(fault.text, "/nonexistent/libscram.so"));
	mech_stop();
}

int
main(void)
{
	const struct CMUnitTest before[] = {
		cmocka_unit_test(says_which_module_is_missing),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lets_the_right_password_in),
		cmocka_unit_test(keeps_the_wrong_password_out),
		cmocka_unit_test(is_of_no_use_after_its_end),
		cmocka_unit_test(asks_first_where_the_client_said_nothing),
		cmocka_unit_test(serves_nothing_but_what_was_loaded),
		cmocka_unit_test(checks_the_channel_binding),
		cmocka_unit_test(says_what_is_malformed),
		cmocka_unit_test(lets_nobody_in_without_keys),
		cmocka_unit_test(keeps_threads_apart),
	};

	return cmocka_run_group_tests_name("auth/mech start", before, NULL, NULL) +
		cmocka_run_group_tests_name("auth/mech", tests, start, stop);
}
