/* SPDX-License-Identifier: BSD-2-Clause */
/* The one door to Cyrus SASL: SCRAM and GSSAPI exchanges, one connection object for each. */
#ifndef AUTH_MECH_H
#define AUTH_MECH_H

#include "auth/scram_keys.h"
#include "base/buffer.h"
#include "base/fault.h"

/*
 * What is loaded is named here, and nothing else: no plugin directory is searched, no file of the
 * library is read, and its names for mechanisms ("PLAIN-PLUS") are never asked. Once in a process.
 */
struct mech_rule {
	const char *plugin_dir; /* where the distribution has its modules; "": beside the library */
	bool scram;
	bool gssapi;
	const char *keytab;     /* for gssapi; readable now and later */
};

bool mech_start(const struct mech_rule *rule, struct fault *fault_out);
/* Was the module for GSSAPI there at mech_start(), so that a new process could load it? */
bool mech_may_load_gssapi(struct fault *fault_out);
void mech_stop(void);

/*
 * One exchange: made for one AUTH command and never used again, because the library takes any
 * further step of a finished connection for a success. Steps block; a mech may move between
 * threads, not be on two at once.
 */
struct mech;

enum mech_result {
	MECH_CONTINUE,  /* the challenge is for the client; also the last words of SCRAM */
	MECH_DONE,      /* mech_login() is who it is */
	MECH_REFUSED,   /* the client is not who it says, or may not be who it wants to be */
	MECH_MALFORMED, /* not the grammar; for SCRAM also a wrong channel binding or nonce */
	MECH_UNKNOWN,   /* no such mechanism is loaded */
	MECH_FAULT,     /* ours, not the client's */
};

/* service: "smtp", "imap", "pop"; host: of the service name. */
struct mech *mech_new(const char *mechanism, const char *service, const char *host);
void mech_free(struct mech **mech);
/* Before the first step. SCRAM checks against these keys, whatever name the client gives. */
void mech_set_keys(struct mech *mech, const struct scram_keys *keys);
/* Before the first step: "tls-exporter" or "tls-server-end-point"; data is copied. */
void mech_set_binding(struct mech *mech, const char *name, struct span data);

/*
 * response NULL: the client sent none with the mechanism's name. The challenge is empty but for
 * CONTINUE.
 */
enum mech_result mech_step(struct mech *mech, const struct span *response,
	struct buf *challenge_out);
/* After MECH_DONE alone: as the library gives it, "user" or "user@REALM"; "" before. */
const char *mech_login(const struct mech *mech);
/* For the log alone, after a failure: it may tell what the client must not learn. */
const char *mech_reason(const struct mech *mech);

#endif
