/* SPDX-License-Identifier: BSD-2-Clause */
/* What one reading of the configuration means for a front end: listeners with their TLS. */
#ifndef CLIENT_SETUP_H
#define CLIENT_SETUP_H

#include "base/fault.h"
#include "client/gate.h"
#include "config/settings.h"
#include "io/stream.h"

struct role_context;
struct signer;

/* As sessions see it; lives as long as its setup. */
struct listener {
	const struct settings_listener *settings;
	struct tls_server *tls; /* NULL: none */
	struct stream_limits stream_early; /* before a login */
	struct stream_limits stream;
	struct gate_limits gate;
};

/* When a certificate in use ends, and from when on that is worth a warning. */
struct setup_expiry {
	const struct settings_tls *tls;
	unsigned file;
	int64_t expires_s;
};

/* Sessions hold the one they began with, so a reload changes nothing for them. */
struct setup {
	unsigned holds;
	uint32_t generation; /* given by front_serve(), each one more */
	struct settings *settings;
	struct listener *listeners; /* those of the protocols asked for */
	size_t count;
	struct setup_expiry *expiries;
	size_t expiry_count;
};

/*
 * Reads the certificates that super passed, checks them, and makes what listeners of these
 * protocols (bits 1 << enum listener_protocol) need. NULL and the reason if any part does not fit. signer is
 * borrowed and must outlive all sessions.
 */
struct setup *setup_new(struct role_context *role, const struct settings *settings,
	unsigned protocols, struct signer *signer, struct fault *fault_out);
struct setup *setup_hold(struct setup *setup);
void setup_free(struct setup **setup); /* gives up one hold */
/* A line in the log for each certificate that ends soon. */
void setup_warn(const struct setup *setup, int64_t now_s);
const struct listener *setup_find(const struct setup *setup, const char *title);

#endif
