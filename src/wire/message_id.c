/* SPDX-License-Identifier: BSD-2-Clause */
/* The Message-ID field: is its value one, and which? */
#include "wire/message_id.h"

#include "wire/octet.h"
#include "wire/utf8.h"


/* RFC 5322 3.6.4: no-fold-literal = "[" *dtext "]" */
static bool
is_literal(struct span text)
{
	if (text.length < 2 || text.start[0] != '[' || text.start[text.length - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < text.length; i++) {
		char byte = text.start[i];

		if (byte <= ' ' || byte == 0x7f || byte == '[' || byte == ']' || byte == '\\')
			return false;
	}
	return true;
}

bool
message_id_parse(struct span value, bool utf8, struct span *id_out)
{
	struct span id = octet_trim(value);
	struct span left;
	struct span right;

	if (id.length < 2 || id.length > MESSAGE_ID_MAX_BYTES || id.start[0] != '<' ||
		id.start[id.length - 1] != '>')
		return false;
	if (!utf8_is_ascii(id) && !(utf8 && utf8_is_valid(id)))
		return false;
	left = span_cut(span_of(id.start + 1, id.length - 2), '@', &right);
	if (!octet_is_dot_atom(left) || (!octet_is_dot_atom(right) && !is_literal(right)))
		return false;
	*id_out = id;
	return true;
}
