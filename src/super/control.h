/* SPDX-License-Identifier: BSD-2-Clause */
/* The control socket: who may speak, one request at a time, answers in pages. */
#ifndef SUPER_CONTROL_H
#define SUPER_CONTROL_H

#include "ipc/control.h"
#include "super/super.h"

struct control;
struct control_client;

/* RUN-DIR/control.sock, mode 0660, of the group that RUN-DIR has. */
struct control *control_open(struct super *super, struct fault *fault);
void control_close(struct control **control);
/* Who may, from now on: looked up once, since names are not always answered at once. */
void control_set_users(struct control *control, const struct settings *settings);

/*
 * A verb's answer: any number of pages with more, then one without; or one error. A client that has
 * gone meanwhile is no concern of the verb: it answers all the same, and once.
 */
void control_client_answer(struct control_client *client, struct span data, bool more);
void control_client_error(struct control_client *client, const char *kind, const char *text);
/* JSON as a role made it, passed on as it is. */
void control_client_pass(struct control_client *client, struct span json, bool more);
struct super *control_client_super(struct control_client *client);

#endif
