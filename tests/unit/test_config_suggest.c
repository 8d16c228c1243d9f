/* SPDX-License-Identifier: BSD-2-Clause */
/* Did you mean: near words are found, far ones are not guessed. */
#include "unit.h"

#include "config/suggest.h"

static void
nearest(void **state)
{
	static const char *const known[] = { "hostname", "workers", "tls", "sasl", "certificates",
		"insecure-networks" };
	static const struct {
		const char *unknown;
		const char *best;
	} cases[] = {
		{ "hostnme", "hostname" },
		{ "host-name", "hostname" },
		{ "Hostname", "hostname" },
		{ "worker", "workers" },
		{ "certificate", "certificates" },
		{ "certifcate", "certificates" },
		{ "insecure_networks", "insecure-networks" },
		{ "tsl", NULL },
		{ "tl", "tls" },
		{ "sasll", "sasl" },
		{ "banana", NULL },
		{ "", NULL },
		{ "hostnamehostnamehostname", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct suggest suggest = { NULL, 0 };

		for (size_t n = 0; n < sizeof known / sizeof *known; n++)
			suggest_consider(&suggest, cases[i].unknown, known[n]);
		if (cases[i].best) {
			assert_non_null(suggest.best);
			assert_string_equal(suggest.best, cases[i].best);
		} else {
			assert_null(suggest.best);
		}
	}
}

static void
long_words(void **state)
{
	struct suggest suggest = { NULL, 0 };
	char word[200];

	(void)state;
	memset(word, 'x', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	suggest_consider(&suggest, word, "x");
	suggest_consider(&suggest, "x", word);
	assert_null(suggest.best);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest),
		cmocka_unit_test(long_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
