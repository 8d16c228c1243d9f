/* SPDX-License-Identifier: BSD-2-Clause */
/* What the answers of a filter say: its negotiation, its refusals, its changes. */
#ifndef WIRE_MILTER_ANSWER_H
#define WIRE_MILTER_ANSWER_H

#include "base/fault.h"
#include "base/memory.h"
#include "base/text.h"

/* Stages that have macros of their own, in the numbering of mfapi.h. */
enum milter_stage {
	MILTER_STAGE_CONNECT,
	MILTER_STAGE_HELO,
	MILTER_STAGE_MAIL,
	MILTER_STAGE_RCPT,
	MILTER_STAGE_DATA,
	MILTER_STAGE_END,
	MILTER_STAGE_HEADER_END,
	MILTER_STAGE_COUNT,
};

enum { MILTER_MACROS_MAX = 128 }; /* names in one list; more are not looked at */

struct milter_macro_list {
	bool given;          /* in place of the usual ones; perhaps empty */
	struct span *names;  /* as they were asked for, with or without braces; in the arena */
	size_t count;
};

/* What a filter made of our offer. */
struct milter_offer {
	uint32_t version;
	uint32_t actions;    /* those that exist */
	uint32_t steps;      /* enum milter_step; NO and MUTE count whether we offered them or not */
	bool odd_actions;    /* it asked for some that do not exist */
	struct milter_macro_list macros[MILTER_STAGE_COUNT];
};

/*
 * version: the one that was offered. False with a fault for a version out of range, steps whose
 * meaning nobody knows, a payload that is torn. A list for a stage that does not exist is passed over.
 */
bool milter_offer_parse(struct span payload, uint32_t version, struct arena *arena,
	struct milter_offer *offer_out, struct fault *fault_out);

/* A code and a text that the client is to be told. */
struct milter_refusal {
	unsigned code;       /* 400 to 599 */
	char enhanced[10];   /* "5.7.1"; of the same class */
	const char *text;    /* lines parted by '\n', printable ASCII; in the arena */
};
/*
 * "550 5.7.1 text", perhaps in several lines. Of what is malformed the class alone is believed:
 * "550 5.7.1 Command rejected". False without even that.
 */
bool milter_refusal_parse(struct span payload, struct arena *arena,
	struct milter_refusal *refusal_out);

/* ADD_HEADER, and with an index INSERT_HEADER and CHANGE_HEADER. */
struct milter_field {
	uint32_t index;      /* 0 to 2^31 - 1; 0 if it has none */
	struct span name;    /* ftext, 1 to MILTER_NAME_MAX_BYTES */
	struct span value;   /* lines parted by CRLF and a blank; in the arena if it was changed */
};
/*
 * False with a fault for a torn payload, an index too high, a name that is none, NUL. A line end of
 * any kind in the value becomes CRLF, and a blank is put behind it if there is none: no value
 * begins another field. Other control bytes become '?'.
 */
bool milter_field_parse(struct span payload, bool indexed, struct arena *arena,
	struct milter_field *field_out, struct fault *fault_out);

/* A recipient or sender: the path as it is in SMTP or without its brackets, and what stands behind. */
struct milter_path {
	struct span path;
	struct span parameters; /* of ESMTP, parted by blanks; empty: none */
};
bool milter_path_parse(struct span payload, struct milter_path *path_out);

/* A reason for quarantine as one printable line, cut to fit. */
void milter_reason_format(struct span payload, char *to, size_t to_size);

#endif
