/* SPDX-License-Identifier: BSD-2-Clause */
/* The control protocol between the administrator's tool, super and the roles: frames of JSON. */
#ifndef IPC_CONTROL_H
#define IPC_CONTROL_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/fault.h"

/*
 * On the socket RUN-DIR/control.sock: u32 big-endian length, then one JSON object of so many bytes.
 * Request {"verb":"queue list","args":{…}}. Answers {"ok":true,"more":false,"data":…}, several pages
 * while more is true, or one {"ok":false,"error":"…","kind":"…"}. A client asks one thing at a time.
 */
enum {
	CONTROL_JSON_MAX_BYTES = 1024 * 1024,
	CONTROL_HEAD_BYTES = 4,
	CONTROL_VERB_MAX_BYTES = 64,
};

/* Of a refusal: FAULT_DENIED "denied", _MISSING "missing", _CONFIG and _PEER "usage", _BUSY and
 * _LIMIT "busy", all others "failed". */
const char *control_kind_name(enum fault_kind kind);
enum fault_kind control_kind_find(const char *name); /* FAULT_SYSTEM for one unknown */

enum control_frame {
	CONTROL_DONE,
	CONTROL_MORE,
	CONTROL_BAD, /* longer than the cap, or empty */
};

/*
 * From here on JSON values, which may hold a password, are wiped when they are freed. Once, before
 * the first of them is made.
 */
void control_wipe_memory(void);

/* The first frame in bytes; *size_out is what to consume. */
enum control_frame control_frame_next(struct span bytes, struct span *json_out, size_t *size_out);
bool control_frame_add(struct buf *to, struct span json); /* false beyond the cap */

/* The JSON of a request, into an empty buffer. args may be NULL; it stays the caller's. */
bool control_request_pack(struct buf *to, const char *verb, json_t *args);
struct control_request {
	json_t *root; /* owns the rest */
	const char *verb;
	json_t *args; /* always an object */
};
bool control_request_unpack(
	struct span json, struct control_request *request_out, struct fault *fault_out);
void control_request_fini(struct control_request *request);

/* One page of an answer; data is JSON text made by us, "null" if empty. */
bool control_answer_pack(struct buf *to, struct span data, bool more);
bool control_error_pack(struct buf *to, const char *kind, const char *text);
struct control_answer {
	json_t *root;
	bool ok;
	bool more;
	json_t *data;      /* if ok; perhaps the JSON null */
	const char *error; /* if not ok */
	const char *kind;
};
bool control_answer_unpack(
	struct span json, struct control_answer *answer_out, struct fault *fault_out);
void control_answer_fini(struct control_answer *answer);

#endif
