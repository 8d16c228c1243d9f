/* SPDX-License-Identifier: BSD-2-Clause */
/* What the milter protocol says in bits and bytes, in words for people. */
#include "wire/milter_words.h"

/* By the number of the bit. */
static const char *const actions[] = {
	"add-header",
	"change-body",
	"add-recipient",
	"delete-recipient",
	"change-header",
	"quarantine",
	"change-sender",
	"add-recipient-with-parameters",
	"name-macros",
};

static const char *const steps[] = {
	"no-connect",
	"no-helo",
	"no-mail",
	"no-rcpt",
	"no-body",
	"no-header",
	"no-end-of-header",
	"mute-header",
	"no-unknown",
	"no-data",
	"can-skip",
	"wants-refused-rcpt",
	"mute-connect",
	"mute-helo",
	"mute-mail",
	"mute-rcpt",
	"mute-data",
	"mute-unknown",
	"mute-end-of-header",
	"mute-body",
	"leading-space",
};

static const char *
word_of(uint32_t bits, size_t at, const char *const *words, size_t count)
{
	for (size_t bit = 0; bit < count; bit++)
		if ((bits >> bit & 1) && at-- == 0)
			return words[bit];
	return NULL;
}

const char *
milter_words_action(uint32_t bits, size_t at)
{
	return word_of(bits, at, actions, sizeof actions / sizeof actions[0]);
}

const char *
milter_words_step(uint32_t bits, size_t at)
{
	return word_of(bits, at, steps, sizeof steps / sizeof steps[0]);
}

const char *
milter_words_stage(enum milter_stage stage)
{
	static const char *const words[MILTER_STAGE_COUNT] = {
		[MILTER_STAGE_CONNECT] = "connect",
		[MILTER_STAGE_HELO] = "helo",
		[MILTER_STAGE_MAIL] = "mail",
		[MILTER_STAGE_RCPT] = "rcpt",
		[MILTER_STAGE_DATA] = "data",
		[MILTER_STAGE_END] = "end-of-message",
		[MILTER_STAGE_HEADER_END] = "end-of-header",
	};

	return words[stage];
}

struct word {
	unsigned char byte;
	const char *word;
};

static const struct word answers[] = {
	{ MILTER_ADD_RCPT, "add-recipient" },
	{ MILTER_DELETE_RCPT, "delete-recipient" },
	{ MILTER_ADD_RCPT_WITH, "add-recipient-with-parameters" },
	{ MILTER_SHUTDOWN, "shutdown" },
	{ MILTER_ACCEPT, "accept" },
	{ MILTER_REPLACE_BODY, "replace-body" },
	{ MILTER_CONTINUE, "continue" },
	{ MILTER_DISCARD, "discard" },
	{ MILTER_CHANGE_SENDER, "change-sender" },
	{ MILTER_ADD_HEADER, "add-header" },
	{ MILTER_INSERT_HEADER, "insert-header" },
	{ MILTER_CHANGE_HEADER, "change-header" },
	{ MILTER_PROGRESS, "progress" },
	{ MILTER_QUARANTINE, "quarantine" },
	{ MILTER_REJECT, "reject" },
	{ MILTER_SKIP, "skip" },
	{ MILTER_TEMPFAIL, "tempfail" },
	{ MILTER_REPLY, "reply" },
};

static const struct word commands[] = {
	{ MILTER_ABORT, "abort" },
	{ MILTER_BODY, "body" },
	{ MILTER_CONNECT, "connect" },
	{ MILTER_MACROS, "macros" },
	{ MILTER_END, "end-of-message" },
	{ MILTER_HELO, "helo" },
	{ MILTER_QUIT_NC, "quit-for-new" },
	{ MILTER_HEADER, "header" },
	{ MILTER_MAIL, "mail" },
	{ MILTER_HEADER_END, "end-of-header" },
	{ MILTER_OFFER, "offer" },
	{ MILTER_QUIT, "quit" },
	{ MILTER_RCPT, "rcpt" },
	{ MILTER_DATA, "data" },
	{ MILTER_UNKNOWN, "unknown" },
};

static const char *
find(const struct word *words, size_t count, unsigned char byte)
{
	for (size_t i = 0; i < count; i++)
		if (words[i].byte == byte)
			return words[i].word;
	return NULL;
}

const char *
milter_words_answer(unsigned char answer)
{
	return find(answers, sizeof answers / sizeof answers[0], answer);
}

const char *
milter_words_command(enum milter_command command)
{
	return find(commands, sizeof commands / sizeof commands[0], (unsigned char)command);
}
