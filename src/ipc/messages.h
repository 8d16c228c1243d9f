/* SPDX-License-Identifier: BSD-2-Clause */
/* Every message between two roles, one table row each; the content has a pack/unpack pair. */
#ifndef IPC_MESSAGES_H
#define IPC_MESSAGES_H

#include "base/memory.h"
#include "base/pack.h"
#include "base/role.h"
#include "base/secret.h"

/*
 * MESSAGE(id, who sends, who receives, most bytes, descriptors, secret). A message from the wrong
 * role, over its cap, with a descriptor too many or too few, or with content that does not unpack is
 * refused by the channel, which is then closed (doc/threats.md). SHORT is room for a few names.
 */
#define IPC_SHORT_MAX_BYTES (8 * 1024)
#define IPC_SETTINGS_MAX_BYTES (8 * 1024 * 1024)
#define IPC_CONTROL_MAX_BYTES (1024 * 1024)
#define IPC_SASL_MAX_BYTES (16 * 1024)
#define IPC_CHARGE_MAX_BYTES (24 * 1024)
#define IPC_IDENTITY_MAX_BYTES (64 * 1024)
#define IPC_COMMIT_MAX_BYTES (4 * 1024 * 1024)

#define FRONT (ROLE_BIT(ROLE_SMTP) | ROLE_BIT(ROLE_MAILBOX))
#define ONLY(role) ROLE_BIT(ROLE_##role)
#define ANY_ROLE ((1u << ROLE_COUNT) - 1)

/* clang-format off */
#define IPC_MESSAGES(MESSAGE) \
	/* from super, before and while a role serves */ \
	MESSAGE(SETTINGS,     ONLY(SUPER), ANY_ROLE, IPC_SETTINGS_MAX_BYTES, 0, false) \
	MESSAGE(LINK,         ONLY(SUPER), ANY_ROLE, 16, 1, false) \
	MESSAGE(UNLINK,       ONLY(SUPER), ANY_ROLE, 16, 0, false) \
	MESSAGE(FILE,         ONLY(SUPER), ANY_ROLE, IPC_SHORT_MAX_BYTES, 1, false) \
	MESSAGE(SECRET,       ONLY(SUPER), ANY_ROLE, IPC_SHORT_MAX_BYTES, 0, true) \
	MESSAGE(START,        ONLY(SUPER), ANY_ROLE, 16, 0, false) \
	MESSAGE(CHECK,        ONLY(SUPER), ANY_ROLE, 16, 0, false) \
	MESSAGE(TAKE,         ONLY(SUPER), ANY_ROLE, 16, 0, false) \
	MESSAGE(FORGET,       ONLY(SUPER), ANY_ROLE, 16, 0, false) \
	MESSAGE(PING,         ONLY(SUPER), ANY_ROLE, 16, 0, false) \
	MESSAGE(STOP,         ONLY(SUPER), ANY_ROLE, 16, 0, false) \
	MESSAGE(CONTROL,      ONLY(SUPER), ANY_ROLE, IPC_CONTROL_MAX_BYTES, 0, true) \
	/* to super */ \
	MESSAGE(READY,        ANY_ROLE, ONLY(SUPER), IPC_SHORT_MAX_BYTES, 0, false) \
	MESSAGE(PONG,         ANY_ROLE, ONLY(SUPER), 16, 0, false) \
	MESSAGE(ANSWER,       ANY_ROLE, ONLY(SUPER), IPC_CONTROL_MAX_BYTES, 0, false) \
	MESSAGE(LOST,         ANY_ROLE, ONLY(SUPER), 16, 0, false) \
	/* front end and auth */ \
	MESSAGE(LOGIN_START,  FRONT, ONLY(AUTH), IPC_SASL_MAX_BYTES + IPC_SHORT_MAX_BYTES, 0, true) \
	MESSAGE(LOGIN_STEP,   FRONT, ONLY(AUTH), IPC_SASL_MAX_BYTES, 0, true) \
	MESSAGE(LOGIN_CANCEL, FRONT, ONLY(AUTH), 16, 0, false) \
	MESSAGE(LOGIN_CHALLENGE, ONLY(AUTH), FRONT, IPC_SASL_MAX_BYTES, 0, true) \
	MESSAGE(LOGIN_DONE,   ONLY(AUTH), FRONT, IPC_IDENTITY_MAX_BYTES, 0, true) \
	MESSAGE(LOGIN_FAILED, ONLY(AUTH), FRONT, IPC_SHORT_MAX_BYTES, 0, false) \
	MESSAGE(IDENTITY_GET, FRONT, ONLY(AUTH), IPC_IDENTITY_MAX_BYTES, 0, false) \
	MESSAGE(SESSION_ANNOUNCE, FRONT, ONLY(AUTH), IPC_IDENTITY_MAX_BYTES, 0, false) \
	MESSAGE(SESSIONS_ANNOUNCED, FRONT, ONLY(AUTH), 16, 0, false) \
	MESSAGE(SESSION_END,  FRONT, ONLY(AUTH), IPC_SHORT_MAX_BYTES, 0, false) \
	MESSAGE(SESSION_KICK, ONLY(AUTH), FRONT, IPC_SHORT_MAX_BYTES, 0, false) \
	MESSAGE(REVOKE,       ONLY(AUTH), FRONT | ONLY(QUEUE), IPC_SHORT_MAX_BYTES, 0, false) \
	MESSAGE(CHARGE,       ONLY(SMTP), ONLY(AUTH), IPC_CHARGE_MAX_BYTES, 0, false) \
	MESSAGE(CHARGED,      ONLY(AUTH), ONLY(SMTP), IPC_SHORT_MAX_BYTES, 0, false) \
	MESSAGE(REFUND,       ONLY(SMTP), ONLY(AUTH), IPC_SHORT_MAX_BYTES, 0, false) \
	/* front end and keys: one question, one answer, on a blocking pair of their own */ \
	MESSAGE(SIGN,         FRONT, ONLY(KEYS), IPC_SHORT_MAX_BYTES, 0, false) \
	MESSAGE(SIGNED,       ONLY(KEYS), FRONT, IPC_SHORT_MAX_BYTES, 0, false) \
	/* front end and dial */ \
	MESSAGE(DIAL,         FRONT, ONLY(DIAL), IPC_SHORT_MAX_BYTES, 0, false) \
	MESSAGE(DIALED,       ONLY(DIAL), FRONT, IPC_SHORT_MAX_BYTES, 1, false) \
	MESSAGE(DIAL_CANCEL,  FRONT, ONLY(DIAL), 16, 0, false) \
	/* smtp and queue */ \
	MESSAGE(BODY_OPEN,    ONLY(SMTP), ONLY(QUEUE), 16, 0, false) \
	MESSAGE(BODY_FILE,    ONLY(QUEUE), ONLY(SMTP), 16, 1, false) \
	MESSAGE(BODY_DROP,    ONLY(SMTP), ONLY(QUEUE), 16, 0, false) \
	MESSAGE(COMMIT,       ONLY(SMTP), ONLY(QUEUE), IPC_COMMIT_MAX_BYTES, 0, false) \
	MESSAGE(COMMITTED,    ONLY(QUEUE), ONLY(SMTP), IPC_SHORT_MAX_BYTES, 0, false) \
	MESSAGE(PRESSURE,     ONLY(QUEUE), ONLY(SMTP), IPC_SHORT_MAX_BYTES, 0, false) \
	/* queue and relay */ \
	MESSAGE(RELAY_READY,  ONLY(RELAY), ONLY(QUEUE), 16, 0, false) \
	MESSAGE(JOB,          ONLY(QUEUE), ONLY(RELAY), IPC_COMMIT_MAX_BYTES, -1, false) \
	MESSAGE(RESULT,       ONLY(RELAY), ONLY(QUEUE), IPC_COMMIT_MAX_BYTES, 0, false) \
	MESSAGE(RESULT_KEPT,  ONLY(QUEUE), ONLY(RELAY), 16, 0, false) \
	/* auth to queue: behind every REVOKE of before the link was there */ \
	MESSAGE(REVOKED_TOLD, ONLY(AUTH), ONLY(QUEUE), 16, 0, false) \
	/* queue to auth: the administrator has seen to the held mail of a login */ \
	MESSAGE(HELD_SEEN,    ONLY(QUEUE), ONLY(AUTH), IPC_SHORT_MAX_BYTES, 0, false) \
	/* is there such a recipient? */ \
	MESSAGE(RECIPIENT_ASK, ONLY(SMTP), ONLY(AUTH) | ONLY(QUEUE), IPC_SHORT_MAX_BYTES, 0, false) \
	MESSAGE(CALL_AHEAD,   ONLY(QUEUE), ONLY(RELAY), IPC_SHORT_MAX_BYTES, 0, false) \
	MESSAGE(CALLED_AHEAD, ONLY(RELAY), ONLY(QUEUE), IPC_SHORT_MAX_BYTES, 0, false) \
	MESSAGE(RECIPIENT_TOLD, ONLY(AUTH) | ONLY(QUEUE), ONLY(SMTP), IPC_SHORT_MAX_BYTES, 0, false) \
	/* the answer "no", to any question */ \
	MESSAGE(REFUSED,      ANY_ROLE, ANY_ROLE, IPC_SHORT_MAX_BYTES, 0, false)
/* clang-format on */

#define MESSAGE(id, from, to, cap, fds, secret) MSG_##id,
enum message_id {
	MSG_NONE,
	IPC_MESSAGES(MESSAGE)
	MESSAGE_COUNT
};
#undef MESSAGE

/* One row of the table. fds: 0 none, 1 exactly one, -1 none or one. */
struct message_rule {
	const char *name;
	unsigned from;
	unsigned to;
	size_t max_bytes;
	int fds;
	bool secret; /* its bytes are wiped from every buffer they passed */
};

/* NULL for an unknown number. */
const struct message_rule *message_rule(unsigned id);

/* Caps of single fields, in bytes. */
enum {
	MESSAGE_NAME_MAX_BYTES = 255,     /* logins, listeners, routes, host names */
	MESSAGE_TEXT_MAX_BYTES = 1024,    /* reasons and replies */
	MESSAGE_PATH_MAX_BYTES = 320,     /* RFC 5321 4.5.3.1.3 with quoting */
	MESSAGE_ADDRESS_MAX_BYTES = 128,  /* a socket address as text */
	MESSAGE_ID_MAX_BYTES = 32,        /* message and session ids */
	MESSAGE_WORD_MAX_BYTES = 64,      /* protocols, mechanisms */
	MESSAGE_ENHANCED_MAX_BYTES = 16,  /* "5.7.1" */
	MESSAGE_ORCPT_MAX_BYTES = 500,    /* RFC 3461 4.2 */
	MESSAGE_ENVID_MAX_BYTES = 100,    /* RFC 3461 4.4 */
	MESSAGE_FILE_MAX_BYTES = 4096,    /* what FILE calls a descriptor; perhaps a path */
	MESSAGE_KEY_ID_BYTES = 32,
	MESSAGE_MARK_BYTES = 16,          /* of a recipient, in CHARGE */
	MESSAGE_SIGN_MAX_BYTES = 512,     /* what SIGN signs: a hash, or the message for Ed25519 */
	MESSAGE_SIGNATURE_MAX_BYTES = 1024,
	MESSAGE_HEADER_MAX_BYTES = 256 * 1024,
	MESSAGE_BODY_MAX_BYTES = 64 * 1024, /* beyond it a body lives in a file */
	MESSAGE_NOTICE_MAX_BYTES = 3 * 1024 * 1024, /* but for queue's own of a thousand recipients */
	MESSAGE_RECIPIENTS_MAX = 1000,
};

/*
 * The structs. Texts and spans that unpack fills live in the arena given, or point into the bytes
 * unpacked where the field is a span. Each unpack is true only if every byte was good and used.
 */
/* clang-format off */
#define MESSAGE_PAIR(noun) \
	void message_##noun##_pack(struct buf *to, const struct message_##noun *from); \
	bool message_##noun##_unpack(struct span bytes, struct arena *arena, \
		struct message_##noun *message_out)
/* clang-format on */

/* REFUSED: an SMTP code where one fits, for whoever asked. */
struct message_refused {
	uint16_t code;
	const char *enhanced;
	const char *text;
};
MESSAGE_PAIR(refused);

#endif
