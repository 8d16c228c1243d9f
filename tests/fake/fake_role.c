/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A role that does little, for tests of super: a copy of this program under the name sallyport-ROLE is
 * that role. A file "mode-ROLE" beside it says how it goes wrong. As smtp it greets and closes.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "io/loop.h"
#include "io/sock.h"
#include "ipc/frame.h"
#include "named_role.h"

enum { SLOW_MS = 700 }; /* to start */

struct fake {
	struct role_context *context;
	struct sock_acceptor *acceptor;
	int listen_fd;
	char mode[32];
	unsigned links;
	unsigned linked; /* ever */
	struct loop_timer timer;
};

/* What super must not believe: an answer nobody asked for, and a message of another role. */
static void
send_garbage(void *context)
{
	struct frame frame = { MSG_COMMITTED, 0, 0, { NULL, 0 } };
	struct fake *fake = context;
	struct buf bytes = BUF_INIT(0);

	(void)fake;
	frame_pack_head(&bytes, &frame);
	(void)!write(ROLE_SUPER_FD, bytes.bytes, buf_length(&bytes));
	buf_fini(&bytes);
}

static void
lose_auth(void *context)
{
	struct fake *fake = context;

	role_link_lost(fake->context, ROLE_AUTH, 0);
	role_link_lost(fake->context, ROLE_AUTH, 0);
}

static void
on_accept(int fd, const struct sock_address *peer, void *context)
{
	struct fake *fake = context;
	char line[128];
	int length = snprintf(line, sizeof line, "220 pid %d generation %u hostname %s\r\n",
		(int)getpid(), (unsigned)role_generation(fake->context),
		role_settings(fake->context)->hostname);

	(void)peer;
	(void)!write(fd, line, (size_t)length);
	close(fd);
}

static void
listen_anew(struct fake *fake)
{
	const struct settings *settings = role_settings(fake->context);

	sock_acceptor_free(&fake->acceptor);
	sock_close(&fake->listen_fd);
	if (own_role != ROLE_SMTP)
		return;
	fake->listen_fd = role_take_file(
		fake->context, FILE_LISTENER, settings->listener.items[0].title, 0);
	fake->acceptor =
		sock_acceptor_new(role_loop(fake->context), fake->listen_fd, on_accept, fake);
}

static void *
fake_start(struct role_context *context, struct fault *fault)
{
	struct fake *fake = mem_alloc(sizeof *fake);

	fake->context = context;
	fake->listen_fd = -1;
	named_role_read_mode(fake->mode, sizeof fake->mode);
	if (strcmp(fake->mode, "fail") == 0) {
		fault_set(fault, FAULT_CONFIG, "told to fail");
		return NULL;
	}
	if (strcmp(fake->mode, "abort") == 0)
		raise(SIGKILL);
	if (strcmp(fake->mode, "slow") == 0)
		poll(NULL, 0, SLOW_MS);
	loop_timer_init(&fake->timer, role_loop(context), send_garbage, fake);
	if (strcmp(fake->mode, "garbage") == 0)
		loop_timer_start(&fake->timer, 200);
	if (strcmp(fake->mode, "lose") == 0) {
		loop_timer_init(&fake->timer, role_loop(context), lose_auth, fake);
		loop_timer_start(&fake->timer, 200);
	}
	listen_anew(fake);
	return fake;
}

static bool
fake_on_link(void *private, const struct message_link *link, int fd)
{
	struct fake *fake = private;

	(void)link;
	fake->links++;
	fake->linked++;
	close(fd);
	return true;
}

static void
fake_on_unlink(void *private, enum role peer, uint8_t instance)
{
	struct fake *fake = private;

	(void)peer;
	(void)instance;
	fake->links--;
}

/* The host's name says what is to become of a reload; auth alone is concerned. */
static bool
fake_on_check(void *private, struct fault *fault)
{
	struct fake *fake = private;
	const char *hostname = role_settings(fake->context)->hostname;

	if (own_role != ROLE_AUTH)
		return true;
	if (strcmp(hostname, "crash.example.org") == 0)
		raise(SIGKILL);
	if (strcmp(hostname, "anew.example.org") == 0)
		role_ask_anew(fake->context);
	return strcmp(hostname, "refused.example.org") != 0 ||
		fault_set(fault, FAULT_CONFIG, "x.conf:7: told to refuse");
}

static void
fake_on_take(void *private)
{
	struct fake *fake = private;

	if (own_role == ROLE_AUTH &&
		strcmp(role_settings(fake->context)->hostname, "late.example.org") == 0)
		raise(SIGKILL);
	listen_anew(fake);
}

static void
fake_on_control(void *private, uint32_t request, struct span json)
{
	struct fake *fake = private;
	struct buf data = BUF_INIT(0);

	/* Two pages: one that says how it is, one with what was asked. */
	buf_printf(&data,
		"{\"links\":%u,\"linked\":%u,\"instance\":%u,\"generation\":%u,\"asked\":%zu}",
		fake->links, fake->linked, role_instance(fake->context), (unsigned)role_generation(fake->context),
		json.length);
	role_answer(fake->context, request, buf_span(&data), own_role == ROLE_QUEUE);
	if (own_role == ROLE_QUEUE)
		role_answer(fake->context, request, buf_span(&data), false);
	buf_fini(&data);
}

static void
fake_on_stop(void *private, uint64_t grace_ms)
{
	struct fake *fake = private;

	(void)grace_ms;
	if (strcmp(fake->mode, "stay") != 0)
		role_finished(fake->context);
}

static void
fake_free(void **private)
{
	struct fake *fake = *private;

	loop_timer_stop(&fake->timer);
	sock_acceptor_free(&fake->acceptor);
	sock_close(&fake->listen_fd);
	mem_free(private);
}

int
main(int argc, char **argv)
{
	const struct role_program program = { .start = fake_start,
		.on_link = fake_on_link,
		.on_unlink = fake_on_unlink,
		.on_check = fake_on_check,
		.on_take = fake_on_take,
		.on_control = fake_on_control,
		.on_stop = fake_on_stop,
		.free = fake_free };
	return named_role_main(program, argc, argv);
}
