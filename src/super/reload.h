/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reload in two steps: the file is read and everything opened for it, every role looks whether it could
 * use that, and only then all take it. Whatever is refused by anybody changes nothing anywhere.
 */
#ifndef SUPER_RELOAD_H
#define SUPER_RELOAD_H

#include "super/super.h"

struct reload;

struct reload *reload_new(struct super *super);
void reload_free(struct reload **reload); /* who waits for an answer gets none */

/* why is NULL if the new settings are in use; perhaps before reload_ask() returns. */
typedef void reload_done_fn(void *context, const struct fault *why);
/*
 * Reads the file later than now: at once, or when a reload or a start that is under way has ended; who
 * asks meanwhile is served by one and the same. on_done may be NULL.
 */
void reload_ask(struct reload *reload, reload_done_fn *on_done, void *context);
/* No role is being started any more: what was asked for may begin. */
void reload_go_on(struct reload *reload);
/* The daemon stops: what waits is refused. */
void reload_stop(struct reload *reload);

/*
 * May the roles be given other logs or secrets now? If not, it is done by super_reopen_logs() or
 * super_send_ticket_keys() when the reload has ended.
 */
bool reload_may_reopen_logs(struct reload *reload);
bool reload_may_send_ticket_keys(struct reload *reload);

#endif
