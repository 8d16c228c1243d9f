/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole auth role on a loop, with accounts in a folder of its own, and front ends that a test plays. */
#ifndef AUTH_RIG_H
#define AUTH_RIG_H

#include "folder_fixture.h"
#include "io_fixture.h"

#include <stdio.h>

#include "auth/auth.h"
#include "auth/control.h"
#include "base/clock.h"
#include "io/sock.h"
#include "ipc/control.h"
#include "ipc/grant.h"
#include "ipc/message_recipient.h"

#define RIG_KEY SPAN_LITERAL("0123456789abcdef0123456789abcdef")
#define RIG_EXPORTER SPAN_LITERAL("exporter exporter exporter expor")
#define RIG_ENDPOINT SPAN_LITERAL("endpoint endpoint endpoint endpo")
#define RIG_ADDRESS "192.0.2.7"

enum { RIG_ITERATIONS = 4096, RIG_FRONTS = 2 };

/* For tests of GSSAPI: a path, set before rig_setup(). */
extern const char *rig_keytab;

/* What a front end last heard about a login or a session. */
struct rig_heard {
	enum message_id id;             /* 0: nothing yet; MESSAGE_COUNT: the channel closed */
	enum login_failure failure;
	uint32_t delay_ms;
	enum charge_verdict verdict;
	enum finding finding;
	char login[256];
	char text[1100];
	struct buf bytes;               /* challenge */
	struct buf identity;
	struct buf grant;
};

struct rig_front {
	struct rig *rig;
	struct channel *channel;
	uint32_t request;               /* of the last question */
	struct rig_heard heard;         /* its answer */
	unsigned revokes;               /* unasked messages */
	unsigned renewals;              /* identities to be fetched anew */
	uint64_t revoked_epoch;
	unsigned kicks;
	char about[256];                /* login or session of the last of them */
	bool closed;
};

struct rig {
	struct loop *loop;
	struct auth *auth;
	struct settings settings;
	struct settings_listener listeners[6];
	struct settings_limits limits[2];
	struct settings_permit permits[3];
	char state_dir[64];
	struct rig_front fronts[RIG_FRONTS];
	struct rig_front queue;
	struct control_answers answers; /* of verbs */
	json_t *answer;                 /* all pages joined in a list, or the last error's text */
	bool answered;
	char error_kind[32];
};

int rig_setup(void **state);
int rig_teardown(void **state);
/* A new auth on the same accounts, as after its end; front ends are to connect and announce. */
void rig_open_auth(struct rig *rig);
void rig_connect(struct rig *rig, struct rig_front *front, enum role role, unsigned instance);
/* It has no more sessions to announce. */
void rig_announced(struct rig_front *front);
void rig_fini_front(struct rig_front *front);

void rig_send(struct rig_front *front, enum message_id id, struct buf *content);
/* Sends a question; rig_hear() waits for its answer. */
void rig_ask(struct rig_front *front, enum message_id id, struct buf *content);
struct rig_heard *rig_hear(struct rig_front *front);

/* An exchange over TLS with both bindings, at the listener "submission". */
struct message_login_start rig_start(const char *session, const char *mechanism);
void rig_begin(struct rig_front *front, const struct message_login_start *start);
struct rig_heard *rig_login(struct rig_front *front, struct message_login_start start,
	struct span initial);
/* PLAIN over TLS, with no authzid. */
struct rig_heard *rig_plain(struct rig_front *front, const char *session, const char *login,
	const char *password);
struct rig_heard *rig_step(struct rig_front *front, struct span response);
void rig_cancel(struct rig_front *front);
void rig_end_session(struct rig_front *front, const char *session, const char *login);

/* Takes args; gives the pages, or the error's text, in a list that the rig owns. */
json_t *rig_verb(struct rig *rig, const char *verb, json_t *args);

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

#endif
