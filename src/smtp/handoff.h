/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a message: header and last verdicts, the charge, the commit, and the final reply. */
#ifndef SMTP_HANDOFF_H
#define SMTP_HANDOFF_H

#include "smtp/transaction.h"

/* The content is whole; the client hears what became of it, and the transaction ends. */
void handoff_start(struct transaction *transaction);
/* What it waits for is forgotten. */
void handoff_cancel(struct transaction *transaction);

#endif
