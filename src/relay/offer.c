/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hop offers in its answer to EHLO or LHLO. */
#include "relay/offer.h"

#include <string.h>

/* Mechanism names alone (RFC 4422 3.1), so that nothing odd reaches the SASL library. */
static bool
is_mechanism(struct span word)
{
	if (word.length == 0 || word.length > 20)
		return false;
	for (size_t i = 0; i < word.length; i++) {
		char c = word.start[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
			c != '-' && c != '_')
			return false;
	}
	return true;
}

static void
add_mechanisms(struct offer *offer, struct span words)
{
	size_t used = strlen(offer->mechanisms);

	while (words.length) {
		struct span word = span_cut(span_trim(words), ' ', &words);

		if (!is_mechanism(word) || offer_has_mechanism(offer, word) ||
			used + word.length + 2 > sizeof offer->mechanisms)
			continue;
		if (used)
			offer->mechanisms[used++] = ' ';
		for (size_t i = 0; i < word.length; i++) {
			char c = word.start[i];

			offer->mechanisms[used++] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
		}
		offer->mechanisms[used] = '\0';
	}
}

bool
offer_has_mechanism(const struct offer *offer, struct span mechanism)
{
	struct span rest = span_text(offer->mechanisms);

	while (rest.length)
		if (span_equal_nocase(span_cut(rest, ' ', &rest), mechanism))
			return true;
	return false;
}

static void
take_line(struct offer *offer, struct span line)
{
	struct span rest;
	struct span word = span_cut(line, ' ', &rest);

	if (span_is_nocase(word, "PIPELINING"))
		offer->pipelining = true;
	else if (span_is_nocase(word, "8BITMIME"))
		offer->eightbit = true;
	else if (span_is_nocase(word, "SMTPUTF8"))
		offer->smtputf8 = true;
	else if (span_is_nocase(word, "DSN"))
		offer->dsn = true;
	else if (span_is_nocase(word, "STARTTLS"))
		offer->starttls = true;
	else if (span_is_nocase(word, "AUTH"))
		add_mechanisms(offer, rest);
	else if (span_starts_nocase(word, "AUTH="))
		add_mechanisms(offer, span_from(line, 5));
	else if (span_is_nocase(word, "SIZE")) {
		offer->size = true;
		text_parse_number(span_trim(rest), UINT64_MAX, &offer->size_max);
	}
}

void
offer_parse(const struct smtp_reply_reader *reply, struct offer *offer_out)
{
	memset(offer_out, 0, sizeof *offer_out);
	/* The first line is the hop's name and greeting. */
	for (unsigned i = 1; i < reply->lines; i++)
		take_line(offer_out, smtp_reply_reader_line(reply, i));
}
