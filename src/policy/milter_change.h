/* SPDX-License-Identifier: BSD-2-Clause */
/* What one filter wants changed at the end of a message: gathered first, then done all or not at all. */
#ifndef POLICY_MILTER_CHANGE_H
#define POLICY_MILTER_CHANGE_H

#include "policy/milter_body.h"
#include "wire/milter_packet.h"

struct milter_change;

/* The most that is gathered for one message; who asks for more is at fault. */
enum {
	MILTER_CHANGE_FIELDS_MAX = HEADER_MAX_FIELDS,
	MILTER_CHANGE_FIELDS_MAX_BYTES = 2 * HEADER_MAX_BYTES,
	MILTER_CHANGE_PATHS_MAX = 2 * MAIL_RECIPIENTS_MAX,
	MILTER_CHANGE_PATHS_MAX_BYTES = 1024 * 1024,
	MILTER_CHANGE_VAIN_MAX = 4096, /* reasons, empty pieces of a body, what was not negotiated */
};

/*
 * For one filter and one message; mail outlives it, and is only read until milter_change_apply().
 * With a new body it may be as large as size_limit (0: any size), or as it is. on_room comes from the
 * loop after MILTER_TAKEN_LATER; if the file could not be had, the next call says BAD.
 */
struct milter_change *milter_change_new(const struct milter_means *means,
	const struct milter_offer *offer, struct mail *mail, uint64_t size_limit,
	void (*on_room)(void *context), void *context);
void milter_change_free(struct milter_change **change); /* drops what was not applied */
/*
 * One packet of the answers that change something (MILTER_ADD_HEADER … MILTER_QUARANTINE). What was
 * not negotiated is logged and passed over, but for a body, which is BAD; so is what is torn.
 */
enum milter_taken milter_change_take(struct milter_change *change,
	const struct milter_packet *packet, struct fault *fault_out);
/* Has anything been taken, even a body that is not whole? Then nobody may go on as if nothing was. */
bool milter_change_is_any(const struct milter_change *change);
/* Has milter_change_apply() made the message another one, or held it? Not if all was passed over. */
bool milter_change_is_made(const struct milter_change *change);
/*
 * In the order received. Indices are stable: a field that was deleted keeps its number until the
 * end (Sendmail's way; the older OpenDKIM deletes ascending, others descending, both come out
 * right). Our own Received (mail->trace) counts for INSERT_HEADER alone. False, and nothing
 * changed, if a new body is not whole, or the message would break a cap: fields and bytes of a
 * header, the listener's recipients, and with a new body its size (what is added to the header of a
 * message that just fits has the header's own room). No recipient left: *kind_out is DISCARD;
 * quarantine: HOLD and mail->hold; else CONTINUE. Logs what was changed, if anything was. Once.
 */
bool milter_change_apply(struct milter_change *change, const char *filter,
	enum verdict_kind *kind_out, struct fault *fault_out);

#endif
