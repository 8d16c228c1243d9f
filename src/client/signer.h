/* SPDX-License-Identifier: BSD-2-Clause */
/* How a front end signs in a TLS handshake: it asks keys, which holds the private keys. */
#ifndef CLIENT_SIGNER_H
#define CLIENT_SIGNER_H

#include "base/fault.h"
#include "io/tls_certificate.h"

struct signer;

enum { SIGNER_WAIT_MS = 2000 };

struct signer *signer_new(void);
void signer_free(struct signer **signer);
/* The blocking pair to keys; takes fd. One from before is closed. */
void signer_link(struct signer *signer, int fd);
bool signer_is_linked(struct signer *signer);
/*
 * Gives the certificate its way to its key. Safe from the loop and from worker threads: one
 * question at a time, at most SIGNER_WAIT_MS each. After a fault the pair is given up, and
 * handshakes fail until the next signer_link().
 */
void signer_attach(struct signer *signer, struct tls_certificate *certificate);

#endif
