/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of a message while one filter changes it: what is deleted keeps its number to the end. */
#ifndef POLICY_MILTER_FIELDS_H
#define POLICY_MILTER_FIELDS_H

#include "policy/mail.h"
#include "wire/milter_answer.h"
#include "wire/milter_packet.h"

/* The counts may be read. */
struct milter_fields {
	unsigned added;
	unsigned changed;
	unsigned deleted;
	/* ---- its own */
	struct arena *arena;       /* of the fields; that of the mail */
	struct milter_slot *slots; /* fields, deleted ones too, as they came; the two below are moved */
	uint16_t *places;          /* numbers of slots, in the order of the header */
	uint16_t *names;           /* of the fields at these places, each as one number */
	size_t count;
	struct milter_name *known; /* a table of names, by their hash */
	size_t known_size;         /* a power of two */
	uint16_t known_count;
	bool as_is;
	bool smtputf8;
	bool has_8bit;             /* the message came with 8-bit bytes in its header */
};

/*
 * Of this mail, which is not changed before milter_fields_put(), with room for so many more fields.
 * as_is: LEADING_SPACE was negotiated, so the value stands right behind the colon. The list is in
 * scratch.
 */
void milter_fields_init(struct milter_fields *fields, const struct mail *mail, bool as_is,
	size_t more, struct arena *scratch);
/*
 * ADD_HEADER, INSERT_HEADER, CHANGE_HEADER, each on what those before it left. The nth field of a
 * name is sought among all there were, our own Received left out; a deleted one comes back in its
 * place. INSERT counts every place. A line over the longest is folded. 8-bit bytes stay where the
 * message is SMTPUTF8 and they are UTF-8, or where its header has such bytes already; elsewhere each
 * becomes '?', for a hop might refuse the message for them. False for a field that cannot be written.
 */
bool milter_fields_change(struct milter_fields *fields, enum milter_answer what,
	const struct milter_field *field);
/* False, and nothing changed, past a cap of the header. */
bool milter_fields_put(const struct milter_fields *fields, struct header *header,
	struct arena *scratch);

#endif
