/* SPDX-License-Identifier: BSD-2-Clause */
/* One value of a setting: from text into its struct, back to text, to bytes and from bytes. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/pack.h"
#include "config/schema.h"

/*
 * Stores what was written for the row into item, the struct of its section. Scalars take one text.
 * On failure *bad_out is the index of the text that is wrong, and the fault says what it is not,
 * with the text in front.
 */
bool value_store(const struct schema_row *row, void *item, const struct span *texts, size_t count,
	struct arena *arena, size_t *bad_out, struct fault *fault);
/* Stores the default of the row, which has one. Our own table is right, so this cannot fail. */
void value_store_standard(const struct schema_row *row, void *item, struct arena *arena);

/* As it would be written: quoted where it must be, lists in braces. */
void value_format(const struct schema_row *row, const void *item, struct buf *to);
/* The range of NUMBER, DURATION and SIZE, with units: "1s to 5m". */
void value_format_range(const struct schema_row *row, struct buf *to);

/* Bytes of one element of a list; 0 for FLAGS, which are one number, and for scalars. */
size_t value_element_size(enum schema_kind kind);

void value_pack(const struct schema_row *row, const void *item, struct buf *to);
/* False, and the unpack is bad, if the bytes are not a value that the row allows. */
bool value_unpack(const struct schema_row *row, void *item, struct unpack *from,
	struct arena *arena);
/* What a role has in place of a value that it may not see: "", 0, the empty list. */
void value_store_zero(const struct schema_row *row, void *item);

#endif
