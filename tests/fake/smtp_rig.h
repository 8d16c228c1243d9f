/* SPDX-License-Identifier: BSD-2-Clause */
/* An SMTP front end in this process, between a client and fakes of auth, queue, keys and super. */
#ifndef SMTP_RIG_H
#define SMTP_RIG_H

#include "../unit/unit.h"

#include "client/front.h"
#include "ipc/message_mail.h"
#include "ipc/message_recipient.h"
#include "policy/identity.h"
#include "smtp/service.h"

enum { RIG_MESSAGES_MAX = 64, RIG_RECIPIENTS_MAX = 1100, RIG_WAIT_MS = 5000 };

/* How the fake of auth behaves. alice/alicepw and bob/bobpw have accounts. */
enum rig_auth {
	RIG_AUTH_GOOD,
	RIG_AUTH_SILENT,  /* never answers */
	RIG_AUTH_GARBAGE, /* what does not unpack */
	RIG_AUTH_DOWN,    /* LOGIN_TEMPORARY */
};

enum rig_queue {
	RIG_QUEUE_GOOD,
	RIG_QUEUE_SILENT,
	RIG_QUEUE_REFUSES, /* COMMIT: 452 4.3.1 */
	RIG_QUEUE_NO_FILES,
	RIG_QUEUE_LATE_FILES, /* BODY_OPEN waits for rig_answer_body() */
	RIG_QUEUE_OTHER_ID,
};

/* A message as the queue got it. */
struct rig_message {
	char id[64];
	char sender[400];
	char first_recipient[400];
	char login[64];
	char protocol[16];
	size_t recipients;
	bool in_file;
	bool hold;
	uint64_t over_since_ms;
	bool eightbit;
	bool sender_changed;
	char allowed_sender[400];
	size_t added;
	uint32_t first_added;
	uint8_t ret;
	uint8_t notify;
	char envid[128];
	char orcpt[600];
	struct buf header;
	struct buf body;   /* wherever it was */
	bool hash_good;
	char grant[32];
};

struct rig {
	struct loop *loop;
	struct service service;

	struct channel *auth;       /* auth's end; NULL: dead */
	enum rig_auth auth_mode;
	uint32_t login_delay_ms;
	enum charge_verdict charge;
	unsigned charges;
	unsigned refunds;           /* of the last charge */
	uint32_t last_charge;
	uint64_t over_since_ms;     /* what CHARGED says */
	size_t marks;               /* bytes of them in the last charge */
	unsigned logins;            /* exchanges that were started */
	unsigned cancels;
	unsigned ends;              /* SESSION_END */
	unsigned announced;
	unsigned announcements_done;
	uint64_t epoch;             /* of alice */
	bool forget_alice;          /* IDENTITY_GET: no longer */
	char last_session[32];
	char last_mechanism[64];
	bool last_tls;
	size_t last_exporter;
	uint32_t scram_request;

	enum finding finding;       /* of any recipient: of the directory, and by call-ahead */
	const char *finding_code;
	bool finding_silent;
	unsigned asked_auth;
	unsigned asked_queue;
	char asked_path[400];

	struct channel *queue;
	enum rig_queue queue_mode;
	struct rig_message messages[RIG_MESSAGES_MAX];
	unsigned commits;           /* COMMIT frames, the ones refused too */
	unsigned count;
	unsigned drops;             /* BODY_DROP */
	int body_fds[8];
	unsigned body_count;
	uint32_t waiting_commit;
	uint32_t waiting_body;

	struct stream *client;
	struct stream *parked[8];   /* clients that stay and are not listened to */
	struct tls_client *tls;
	struct buf got;
	bool closed;
	enum stream_end end;
	bool secured;
	bool bytewise;              /* what is said goes out a byte a turn */
	bool (*until)(struct rig *rig);
	bool late;
	struct loop_timer timer;
	int journal;                /* the protocol log, to be read */
};

/*
 * tls is the listener's ("none", "starttls", "implicit"); text is put into its section, which is
 * named "in", and more behind it.
 */
struct setup *rig_setup(struct rig *rig, const char *tls, const char *text, const char *more);
struct rig *rig_new(const char *tls, const char *text, const char *more);
void rig_free(struct rig **rig);
/* A new client; the one before is closed. from: "192.0.2.1". */
void rig_connect(struct rig *rig);
void rig_connect_from(struct rig *rig, const char *from);
/* The client stays as it is, until it is taken up again as the one that speaks. */
void rig_park(struct rig *rig, unsigned place);
void rig_take_up(struct rig *rig, unsigned place);
void rig_hang_up(struct rig *rig);
void rig_say(struct rig *rig, struct span bytes);
#define rig_say_text(rig, text) rig_say(rig, span_text(text))
/* Exactly these bytes come, and none with them. */
void rig_hear(struct rig *rig, const char *text);
/* A line that begins so; it is consumed. */
void rig_hear_line(struct rig *rig, const char *begin);
/* Lines of any kind up to one that begins so, which is consumed too. */
void rig_hear_until(struct rig *rig, const char *begin);
void rig_hear_close(struct rig *rig); /* after what was heard, the end and no byte more */
void rig_wait_close(struct rig *rig); /* whatever is heard before */
void rig_hear_silence(struct rig *rig); /* a few turns long */
/* STARTTLS or a handshake at once, from the client's side. */
void rig_shake(struct rig *rig);
/* Until the condition holds; fails the test when it takes too long. */
void rig_wait(struct rig *rig, bool (*until)(struct rig *rig));
void rig_turns(struct rig *rig, unsigned turns);
void rig_link_auth(struct rig *rig);
void rig_link_queue(struct rig *rig);
void rig_kill_auth(struct rig *rig);
void rig_kill_queue(struct rig *rig);
void rig_answer_commit(struct rig *rig); /* the one that RIG_QUEUE_SILENT kept */
void rig_answer_body(struct rig *rig);   /* the one that RIG_QUEUE_LATE_FILES kept */
void rig_press(struct rig *rig, bool is_short);
void rig_revoke(struct rig *rig, const char *login, uint64_t epoch);
void rig_kick(struct rig *rig, const char *text);

/* "C: " lines are said, with CRLF behind; "S: " is what must come then, byte for byte. */
void rig_play(struct rig *rig, const char *script);
/* EHLO, TLS where the listener has it, EHLO, AUTH PLAIN as alice. */
void rig_log_in(struct rig *rig);
struct rig_message *rig_last(struct rig *rig);
/* What stands in the protocol log. */
char *rig_read_journal(struct rig *rig);

#endif
