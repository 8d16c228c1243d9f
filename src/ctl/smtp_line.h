/* SPDX-License-Identifier: BSD-2-Clause */
/* A blocking SMTP connection for tests by hand: commands out, replies in, TLS when told, a deadline. */
#ifndef CTL_SMTP_LINE_H
#define CTL_SMTP_LINE_H

#include "base/fault.h"
#include "config/endpoint.h"
#include "io/tls_session.h"
#include "wire/smtp_reply.h"

enum { SMTP_LINE_RAW_BYTES = 16384 };

/* The fields are for smtp_line.c, but for reply: what the last smtp_line_ask() got. */
struct smtp_line {
	int fd;
	uint64_t wait_ms;                    /* for each step */
	struct tls_client *tls_client;
	struct tls_session *tls;
	struct buf in;                       /* plain text not yet read */
	char raw[SMTP_LINE_RAW_BYTES];       /* what the TLS session was fed */
	struct smtp_reply_reader reply;
};

void smtp_line_init(struct smtp_line *line, uint64_t wait_ms);
void smtp_line_fini(struct smtp_line *line);

/* Tries each address of the host; peer_out is the one it came to, as text. */
bool smtp_line_connect(struct smtp_line *line, const struct endpoint *to, char *peer_out,
	size_t peer_size, struct fault *fault_out);
/*
 * The certificate must hold for the name, by trust_file or, if that is NULL, the system's
 * authorities. What was received in clear before is an attack and fails.
 */
bool smtp_line_start_tls(struct smtp_line *line, const char *name, const char *trust_file,
	struct fault *fault_out);
/* The facts of TLS, "" without. */
const char *smtp_line_describe_tls(const struct smtp_line *line, char to[TLS_TEXT_MAX_BYTES]);
bool smtp_line_has_tls(const struct smtp_line *line);

/* Sends the command with CRLF behind it, nothing if it is empty, and reads one reply. */
bool smtp_line_ask(struct smtp_line *line, struct span command, struct fault *fault_out);

#endif
