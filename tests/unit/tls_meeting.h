/* SPDX-License-Identifier: BSD-2-Clause */
/* A client and a server that meet in memory, with the settings that a test wants to see together. */
#ifndef TLS_MEETING_H
#define TLS_MEETING_H

#include "tls_fixture.h"

/* The last meeting: the two, how it ended for each, and why. */
extern struct tls_session *client;
extern struct tls_session *server;
extern enum tls_io client_end;
extern enum tls_io server_end;
extern struct fault client_fault;
extern struct fault server_fault;

/* Any server will do; NULL: the usual priority. */
struct tls_client *client_with(const char *priority);
/* Certificates for mail.example.org; SECOND < 0: just one. */
struct tls_set *set_of(enum fixture_key first, int second);
struct tls_server *server_with(const struct tls_settings *settings, struct tls_set *set);

/* The sessions of the last meeting end; then a handshake, as far as it goes. */
void meet(struct tls_client *from, struct tls_server *to, const char *name);
void drop(void);
/* Both handshakes succeeded, and words go both ways. */
void speak(void);
/* The client was shown this one of the set. */
bool saw_certificate(const struct tls_set *set, size_t index);

#endif
