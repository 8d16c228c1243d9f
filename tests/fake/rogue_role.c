/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A role in the hands of an enemy, behind the walls of the role whose name it has: a copy of this program under the
 * name sallyport-ROLE is that role. A file "mode-ROLE" beside it says what it does: "garbage SEED" sends well-framed
 * nonsense to every peer and in the end to super; "forge …" is rogue_forger.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/loop.h"
#include "io/sock.h"
#include "ipc/frame.h"
#include "named_role.h"
#include "rogue_role.h"

enum {
	PEERS_MAX = 64,
	TICK_MS = 10,
	TICKS = 60,		/* of nonsense to peers; then comes super's turn */
	NONSENSE_MAX_BYTES = 3000,
	PATIENCE_TICKS = 8,	/* for a link whose other end still listens */
};

struct target {
	enum role peer;
	uint8_t instance;
	int fd;
	unsigned sent;
};

struct rogue {
	struct role_context *context;
	struct forger *forger; /* NULL: garbage */
	struct target targets[PEERS_MAX];
	size_t count;
	struct loop_timer tick;
	unsigned ticks;
	uint32_t dice;
};

static uint32_t
draw(struct rogue *rogue, uint32_t below)
{
	rogue->dice = rogue->dice * 1664525u + 1013904223u;
	return (rogue->dice >> 8) % below;
}

/* ---- nonsense -------------------------------------------------------------------------------- */

static bool
may_say(unsigned id, enum role peer)
{
	const struct message_rule *rule = message_rule(id);

	return rule && rule->from & ROLE_BIT(own_role) && rule->to & ROLE_BIT(peer);
}

/* Mostly one that this role may send to that peer; sometimes another's. */
static unsigned
choose_message(struct rogue *rogue, enum role peer)
{
	for (unsigned tries = 0; draw(rogue, 8) && tries < 500; tries++) {
		unsigned id = 1 + draw(rogue, MESSAGE_COUNT - 1);

		if (may_say(id, peer))
			return id;
	}
	return draw(rogue, MESSAGE_COUNT + 2);
}

/* Lengths that fit, lengths that do not, texts, rubbish. */
static void
add_nonsense(struct rogue *rogue, struct buf *content)
{
	size_t want = draw(rogue, NONSENSE_MAX_BYTES);

	while (buf_length(content) < want) {
		switch (draw(rogue, 4)) {
		case 0:
			pack_u32(content, draw(rogue, 40));
			break;
		case 1:
			pack_text(content, "alice@example.org");
			break;
		case 2:
			pack_u32(content, UINT32_MAX - draw(rogue, 3));
			break;
		default:
			buf_add_byte(content, (unsigned char)draw(rogue, 256));
			break;
		}
	}
}

static bool
send_frame(int fd, unsigned id, uint32_t request, struct buf *content)
{
	struct frame frame = { id, 0, request, buf_span(content) };
	struct buf bytes = BUF_INIT(0);
	ssize_t sent;

	frame_pack_head(&bytes, &frame);
	buf_add_span(&bytes, buf_span(content));
	sent = send(fd, bytes.bytes, buf_length(&bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
	buf_fini(&bytes);
	return sent >= 0 || errno == EAGAIN;
}

/* Closes it when the peer has had enough, and asks super for another. */
static void
bother(struct rogue *rogue, struct target *target)
{
	struct buf content = BUF_INIT(0);
	bool open;

	add_nonsense(rogue, &content);
	open = send_frame(target->fd, choose_message(rogue, target->peer), draw(rogue, 5), &content);
	buf_fini(&content);
	if (open && ++target->sent < PATIENCE_TICKS)
		return;
	sock_close(&target->fd);
	role_link_lost(rogue->context, target->peer, target->instance);
}

static void
on_tick(void *context)
{
	struct rogue *rogue = context;
	struct buf nothing = BUF_INIT(0);

	if (++rogue->ticks > TICKS) {
		/* An answer that nobody asked for, and a message of queue's. */
		send_frame(ROLE_SUPER_FD, MSG_COMMITTED, 0, &nothing);
		return;
	}
	for (size_t i = 0; i < rogue->count; i++)
		if (rogue->targets[i].fd >= 0)
			bother(rogue, &rogue->targets[i]);
	loop_timer_start(&rogue->tick, TICK_MS);
}

static void
add_target(struct rogue *rogue, const struct message_link *link, int fd)
{
	size_t at = 0;

	while (at < rogue->count && rogue->targets[at].fd >= 0)
		at++;
	if (at == PEERS_MAX) {
		sock_close(&fd);
		return;
	}
	if (at == rogue->count)
		rogue->count++;
	rogue->targets[at] = (struct target){ link->peer, link->instance, fd, 0 };
}

/* ---- as a role ------------------------------------------------------------------------------- */

static void *
rogue_start(struct role_context *context, struct fault *fault)
{
	struct rogue *rogue = mem_alloc(sizeof *rogue);
	char mode[512];

	(void)fault;
	named_role_read_mode(mode, sizeof mode);
	rogue->context = context;
	rogue->dice = (uint32_t)strtoul(mode[0] ? strchr(mode, ' ') : "1", NULL, 10) +
		      role_instance(context) * 7919u;
	loop_timer_init(&rogue->tick, role_loop(context), on_tick, rogue);
	if (strncmp(mode, "forge ", 6) == 0)
		rogue->forger = forger_new(context, mode + 6);
	else
		loop_timer_start(&rogue->tick, 200);
	return rogue;
}

static bool
rogue_on_link(void *private, const struct message_link *link, int fd)
{
	struct rogue *rogue = private;

	if (rogue->forger)
		forger_link(rogue->forger, link, fd);
	else
		add_target(rogue, link, fd);
	return true;
}

static void
rogue_on_unlink(void *private, enum role peer, uint8_t instance)
{
	(void)private;
	(void)peer;
	(void)instance;
}

static void
rogue_on_control(void *private, uint32_t request, struct span json)
{
	struct rogue *rogue = private;

	(void)json;
	if (rogue->forger)
		forger_try(rogue->forger, request);
	else
		role_answer(rogue->context, request, SPAN_LITERAL("{}"), false);
}

static void
rogue_on_stop(void *private, uint64_t grace_ms)
{
	struct rogue *rogue = private;

	(void)grace_ms;
	role_finished(rogue->context);
}

static void
rogue_free(void **private)
{
	struct rogue *rogue = *private;

	loop_timer_stop(&rogue->tick);
	forger_free(&rogue->forger);
	for (size_t i = 0; i < rogue->count; i++)
		sock_close(&rogue->targets[i].fd);
	mem_free(private);
}

int
main(int argc, char **argv)
{
	const struct role_program program = { .start = rogue_start,
		.on_link = rogue_on_link,
		.on_unlink = rogue_on_unlink,
		.on_control = rogue_on_control,
		.on_stop = rogue_on_stop,
		.free = rogue_free };
	return named_role_main(program, argc, argv);
}
