/* SPDX-License-Identifier: BSD-2-Clause */
/* The auth role: who may log in, who is logged in, and what they have used up. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "auth/directory_local.h"
#include "auth/exchange.h"
#include "auth/keeper.h"
#include "auth/limit_report.h"
#include "auth/revocations.h"
#include "auth/seen.h"
#include "auth/sessions.h"
#include "auth/usage.h"
#include "base/secret.h"
#include "ipc/channel.h"
#include "proc/role.h"

enum {
	AUTH_GRANT_LIFE_MS = 30 * 60 * 1000,   /* renewed when half of it is over */
	AUTH_ANNOUNCE_WAIT_MS = 5000,          /* for front ends to say who is logged in */
	AUTH_FRESH_MS = 60 * 1000,             /* how long an account is taken as known */
};

/* One per process. The fields are for the files of this folder. */
struct auth {
	struct loop *loop;
	struct settings *settings;
	struct directory *directory;
	struct directory_local *local;         /* the directory's; touched on its thread alone */
	struct exchange_service exchanges;
	struct sessions *sessions;
	struct usage *usage;
	struct known *known;
	struct keeper *keeper;
	struct limit_report *report;
	struct revocations *revocations;
	struct seen *seen;
	struct secret *grant_key;
	struct front_link *fronts;
	struct channel *queue;                 /* NULL: not there */
	bool sessions_known;                   /* front ends have said who is logged in */
	struct loop_timer announce_wait;
	struct loop_timer sweep;
	struct loop_timer expiry;
	int64_t expiry_ms;                     /* of the session that expires first; 0: none */
};

/*
 * Opens the directory and starts the threads. keytab: a path that stays readable, "" for no GSSAPI.
 * NULL with a reason.
 */
struct auth *auth_open(struct loop *loop, const struct settings *settings, const char *keytab,
	struct span grant_key, struct fault *fault_out);
void auth_close(struct auth **auth);
void auth_set_settings(struct auth *auth, const struct settings *settings);
void auth_set_grant_key(struct auth *auth, struct span grant_key);

/* A channel to a front end or to queue; takes fd. An older one of the same instance is closed. */
void auth_add_link(struct auth *auth, enum role peer, unsigned instance, int fd);
void auth_drop_link(struct auth *auth, enum role peer, unsigned instance);

/* Something of this login was taken away: caches forget it, everybody is told. */
void auth_revoke(struct auth *auth, const char *login, uint64_t epoch);
/* An app password of this login was taken away: its sessions end, its grants are void. */
void auth_revoke_credential(struct auth *auth, const char *login, uint64_t credential);
/* The account has changed, but lost nothing: its sessions fetch their identities anew. */
void auth_renew(struct auth *auth, const char *login);

/* For front_link.c: a link has announced all its sessions, or will not. */
void auth_check_announced(struct auth *auth);

extern const struct role_program auth_program;

#endif
