/* SPDX-License-Identifier: BSD-2-Clause */
/* A role in a process of its own: what comes to it is counted, and told as its answer to CONTROL. */
#include "counting_role.h"

#include <stdlib.h>
#include <unistd.h>

struct part {
	struct role_context *context;
	unsigned links;
	unsigned secrets;
	unsigned files;
	unsigned prepared; /* generation; 0: none */
	unsigned forgotten;
};

static void *
start(struct role_context *context, struct fault *fault)
{
	struct part *part = mem_alloc(sizeof *part);

	(void)fault;
	part->context = context;
	return part;
}

static bool
on_link(void *private, const struct message_link *link, int fd)
{
	struct part *part = private;

	(void)link;
	close(fd);
	part->links++;
	return true;
}

static void
on_unlink(void *private, enum role peer, uint8_t instance)
{
	struct part *part = private;

	(void)peer;
	(void)instance;
	part->links--;
}

/* The host's name says how it goes. */
static bool
on_check(void *private, struct fault *fault)
{
	struct part *part = private;
	const char *hostname = role_settings(part->context)->hostname;

	assert_int_equal(part->prepared, 0);
	if (strcmp(hostname, "bad.example.org") == 0)
		return fault_set(fault, FAULT_CONFIG, "told to refuse");
	if (strcmp(hostname, "anew.example.org") == 0)
		role_ask_anew(part->context);
	part->prepared = role_generation(part->context);
	return true;
}

static void
on_take(void *private)
{
	struct part *part = private;

	assert_int_equal(part->prepared, role_generation(part->context));
	part->prepared = 0;
}

static void
on_forget(void *private)
{
	struct part *part = private;

	assert_int_not_equal(part->prepared, role_generation(part->context));
	part->prepared = 0;
	part->forgotten++;
}

static void
on_secret(void *private, enum secret_kind kind, const char *name)
{
	struct part *part = private;

	assert_span_equal(role_secret(part->context, kind, name), "new");
	part->secrets++;
}

static void
on_file(void *private, enum file_kind kind, const char *name)
{
	struct part *part = private;
	int fd = role_take_file(part->context, kind, name, 0);

	part->files += fd >= 0;
	close(fd);
}

/* More at once than may wait for super. */
static void
flood(struct part *part, uint32_t request)
{
	struct buf data = BUF_INIT(0);

	buf_add_byte(&data, '"');
	for (unsigned i = 0; i < COUNTING_ROLE_FLOOD_PAGE_BYTES; i++)
		buf_add_byte(&data, 'x');
	buf_add_byte(&data, '"');
	for (unsigned i = 0; i < COUNTING_ROLE_FLOOD_PAGES; i++)
		role_answer(part->context, request, buf_span(&data), i + 1 < COUNTING_ROLE_FLOOD_PAGES);
	buf_fini(&data);
}

static void
on_control(void *private, uint32_t request, struct span json)
{
	struct part *part = private;
	struct buf data = BUF_INIT(0);

	if (json.length > 2) {
		flood(part, request);
		return;
	}
	buf_printf(&data, "\"%s %u %u links %u secrets %u files %u forgotten %u\"",
		role_settings(part->context)->hostname, (unsigned)role_generation(part->context),
		role_instance(part->context), part->links, part->secrets, part->files,
		part->forgotten);
	role_answer(part->context, request, buf_span(&data), false);
	buf_fini(&data);
}

static void
on_stop(void *private, uint64_t grace_ms)
{
	struct part *part = private;

	(void)grace_ms;
	role_finished(part->context);
}

static void
free_part(void **private)
{
	mem_free(private);
}

const struct role_program counting_role = { .role = ROLE_QUEUE,
	.start = start,
	.on_link = on_link,
	.on_unlink = on_unlink,
	.on_check = on_check,
	.on_take = on_take,
	.on_forget = on_forget,
	.on_control = on_control,
	.on_stop = on_stop,
	.free = free_part,
	.on_secret = on_secret,
	.on_file = on_file };
