/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the script know of each other. */
#ifndef POLICY_MILTER_SCRIPT_PARTS_H
#define POLICY_MILTER_SCRIPT_PARTS_H

#include "policy/milter_script.h"

/* A recipient that somebody else refused. */
struct milter_refused {
	struct mail_recipient recipient;
	struct verdict verdict;
};

static inline bool
milter_script_owes(const struct milter_script *script)
{
	return script->owed_refused || script->owed_fields || script->owed;
}

/* Goes on to the goal, or to where an answer is due. */
void milter_script_tell(struct milter_script *script);
void milter_script_hear(struct milter_script *script, const struct milter_packet *packet);

/* The deadline of the next answer. */
void milter_script_wait(struct milter_script *script);
void milter_script_say(struct milter_script *script, enum milter_said said);
void milter_script_say_verdict(struct milter_script *script, enum milter_said said,
	const struct verdict *verdict);
/* What the filter said cannot be, in these words: its connection closes. */
void milter_script_break(struct milter_script *script, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void milter_script_on_room(void *context);  /* a new body has its file */
void milter_script_start(struct milter_script *script);  /* a question, and the filter's clock */
void milter_script_keep(struct milter_script *script);   /* the connection, for a next message */

/* NULL: nothing. The question is over. */
void milter_script_say_of_unknown(struct milter_script *script, const struct verdict *verdict);
void milter_script_hear_of_unknown(struct milter_script *script,
	const struct milter_packet *packet);

#endif
