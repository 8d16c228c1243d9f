/* SPDX-License-Identifier: BSD-2-Clause */
/* One message in memory, as it is or will be in the spool; shared by count. */
#ifndef QUEUE_PARCEL_H
#define QUEUE_PARCEL_H

#include "queue/record.h"

/*
 * Fixed once it is sealed; the count is changed on the loop's thread alone. All bytes live in the
 * arena.
 */
struct parcel {
	unsigned references;
	struct arena *arena;
	uint64_t seq;        /* from the spool: order of acceptance; 0 before */
	int64_t received_ms; /* wall clock */
	struct record record;
	struct span bytes;   /* the record, packed */
	struct span content; /* header, and the body if it is in no file */
};

struct parcel *parcel_new(size_t content_length); /* one reference */
/*
 * record but for the lengths and hashes of what is in memory is set (texts in the arena, or living
 * as long); copies header and body, hashes and packs.
 */
void parcel_seal(struct parcel *parcel, struct span header, struct span body, int64_t received_ms);
/* From the rows of the spool; copies. */
enum record_state parcel_restore(struct parcel *parcel, struct span bytes, struct span content);
struct parcel *parcel_hold(struct parcel *parcel);
void parcel_drop(struct parcel **parcel); /* accepts NULL */
size_t parcel_size(const struct parcel *parcel);
struct span parcel_header(const struct parcel *parcel);
struct span parcel_body(const struct parcel *parcel); /* empty if it is in a file */

#endif
