/* SPDX-License-Identifier: BSD-2-Clause */
/* What every role shares: set-up from super, confinement, reload, control, heartbeat, orderly end. */
#ifndef PROC_ROLE_H
#define PROC_ROLE_H

#include "base/role.h"
#include "config/settings.h"
#include "ipc/channel.h"
#include "ipc/message_super.h"

/* The descriptor on which super talks to a role that it started. */
enum { ROLE_SUPER_FD = 3 };

struct loop;
struct role_context;

/*
 * What a role is made of; each main() is "return role_main(&program, argc, argv)". All callbacks run
 * on the loop's thread; private is whatever start() gave.
 *
 * Order: settings, secrets, files and links arrive from super; then start() (opens what it needs,
 * starts threads), then the process is confined, then READY is sent, then the loop runs.
 */
struct role_program {
	enum role role;
	void *(*start)(struct role_context *context, struct fault *fault); /* NULL: cannot serve */
	/*
	 * After start(), also for links that came before it: a channel to (a new instance of) a peer.
	 * The callback takes the descriptor in every case; false: cannot use it, logged.
	 */
	bool (*on_link)(void *private, const struct message_link *link, int fd);
	void (*on_unlink)(void *private, enum role peer, uint8_t instance);
	/*
	 * A reload in two steps. on_check: the context answers with the next generation; whatever could
	 * fail is done now, beside what is in use and without touching it; false with a reason refuses,
	 * and leaves nothing behind. Then one of the others comes, perhaps much later. on_take: the
	 * context has the generation for good, and what was made ready is put to use; this cannot fail.
	 * on_forget: it is thrown away. NULL: any settings are good; nothing is made ready.
	 */
	bool (*on_check)(void *private, struct fault *fault);
	void (*on_take)(void *private);
	void (*on_forget)(void *private);
	/* A verb of the administrator; answered by role_answer(), perhaps later. NULL: has none. */
	void (*on_control)(void *private, uint32_t request, struct span json);
	/*
	 * Begin to end: refuse new work, finish what is under way; then role_finished(). May come
	 * again with a shorter grace. NULL: nothing to finish.
	 */
	void (*on_stop)(void *private, uint64_t grace_ms);
	void (*free)(void **private);
	/* Optional: a secret or a file (a rolled log) was replaced outside of a reload. */
	void (*on_secret)(void *private, enum secret_kind kind, const char *name);
	void (*on_file)(void *private, enum file_kind kind, const char *name);
};

int role_main(const struct role_program *program, int argc, char **argv);

struct loop *role_loop(struct role_context *context);
const struct settings *role_settings(const struct role_context *context);
uint32_t role_generation(const struct role_context *context);
/*
 * Which of several processes: no two front ends (smtp and mailbox together) that live at the same
 * time have the same. It is the column in the table of proc/gate_layout.h.
 */
unsigned role_instance(const struct role_context *context);
/*
 * Files that super passed. role_take_file() gives the descriptor to the caller, -1 if there is none.
 * FILE_TRUST and FILE_CERTIFICATE may be taken again and again, each time at their beginning; all
 * others once in a generation. Each reload brings all files anew.
 */
int role_take_file(struct role_context *context, enum file_kind kind, const char *name,
	unsigned index);
/* The same, read to its end; false if there is none, or it cannot be read, or does not fit. */
bool role_read_file(struct role_context *context, enum file_kind kind, const char *name,
	unsigned index, struct buf *bytes_out);
/* In on_check: these settings are good, but this process cannot use them; a new one is to be started. */
void role_ask_anew(struct role_context *context);
/* Borrowed; empty if there is none. */
struct span role_secret(const struct role_context *context, enum secret_kind kind,
	const char *name);
/*
 * Answers a verb. json is the data alone, what stands under "data" in ipc/control.h, without its frame;
 * empty is null. more: a further page follows. kind of an error: control_kind_name().
 */
void role_answer(struct role_context *context, uint32_t request, struct span json, bool more);
void role_answer_error(struct role_context *context, uint32_t request, const char *kind,
	const char *text);
/*
 * The channel or pair to this peer has closed, and perhaps not because the peer is dead: unless super
 * says within two seconds what became of it, it is asked for a new link. Again and again is free.
 */
void role_link_lost(struct role_context *context, enum role peer, uint8_t instance);
void role_finished(struct role_context *context);
/*
 * Ends the process with a log line and a status that makes super restart it; at the first start with
 * FAULT_CONFIG, what only the administrator can mend, super ends with this status itself.
 */
enum { ROLE_REFUSED_STATUS = 78 }; /* EX_CONFIG of sysexits.h */
void role_fail(struct role_context *context, const struct fault *fault)
	__attribute__((noreturn));

#endif
