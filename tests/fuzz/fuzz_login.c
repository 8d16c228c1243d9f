/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client says to log in: PLAIN, SCRAM, names and passwords in their one form. */
#include "fuzz.h"

#include "auth/login_name.h"
#include "auth/login_plain.h"
#include "auth/saslprep.h"
#include "auth/scram_message.h"
#include "wire/utf8.h"

static void
check_name(struct span in)
{
	char name[LOGIN_NAME_SIZE];
	char again[LOGIN_NAME_SIZE];

	if (!login_name_parse(in, "", name))
		return;
	/* One form: what it became is what it becomes. */
	FUZZ_CHECK(login_name_parse(span_text(name), "", again));
	FUZZ_CHECK(strcmp(name, again) == 0);
	FUZZ_CHECK(utf8_is_valid(span_text(name)));
	for (const char *at = name; *at; at++)
		FUZZ_CHECK((unsigned char)*at >= 0x20 && *at != 0x7f && text_lower(*at) == *at);
	/* Without its realm it is shorter, or has become no name. */
	if (login_name_parse(in, "example.org", again))
		FUZZ_CHECK(strncmp(name, again, strlen(again)) == 0);
}

static void
check_password(struct span in)
{
	struct secret *prepared = saslprep(in);
	struct secret *again;

	if (!prepared)
		return;
	again = saslprep(secret_span(prepared));
	FUZZ_CHECK(secret_span(prepared).length > 0);
	FUZZ_CHECK(utf8_is_valid(secret_span(prepared)));
	FUZZ_CHECK(!span_has_byte(secret_span(prepared), '\0'));
	/* A password that grew past the cap need not pass again; any other is as it was. */
	FUZZ_CHECK(again || secret_span(prepared).length > PASSWORD_MAX_BYTES);
	if (again)
		FUZZ_CHECK(span_equal(secret_span(again), secret_span(prepared)));
	secret_free(&prepared);
	secret_free(&again);
}

static void
check_plain(struct span in)
{
	struct login_plain plain;

	if (login_plain_parse(in, &plain) != LOGIN_PLAIN_GOOD)
		return;
	FUZZ_CHECK(plain.authzid.length + plain.login.length + plain.password.length + 2 ==
		in.length);
	FUZZ_CHECK(plain.login.length > 0 && plain.password.length > 0);
	FUZZ_CHECK(!span_has_byte(plain.login, '\n') && !span_has_byte(plain.password, '\r'));
}

static void
check_scram(struct span in)
{
	struct scram_first first;

	if (scram_first_parse(in, &first)) {
		struct span login = span_of(first.login.bytes, first.login.length);

		FUZZ_CHECK(login.length > 0 && utf8_is_valid(login));
		FUZZ_CHECK(!span_has_byte(login, '\0') && !span_has_byte(in, '\0'));
		FUZZ_CHECK((first.binding == SCRAM_BINDING_NAMED) == (first.binding_name.length > 0));
		FUZZ_CHECK(!scram_final_is_valid(in));
	}
	if (scram_final_is_valid(in))
		FUZZ_CHECK(span_starts(in, "c=") && !scram_first_parse(in, &first));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_copy(fuzz_input(bytes, size));

	check_name(in);
	check_password(in);
	check_plain(in);
	check_scram(in);
	fuzz_free(in);
	return 0;
}
