/* SPDX-License-Identifier: BSD-2-Clause */
/* One whole call of the tool: its words, what it reads, prints and asks, and its exit. */
#ifndef CTL_CALL_FIXTURE_H
#define CTL_CALL_FIXTURE_H

#include "control_fixture.h"

#include "ctl/command.h"

/* One call, and what it said. */
struct call {
	struct ctl ctl;
	struct control_fixture fixture;
	char *out;
	char *err;
	size_t out_size;
	size_t err_size;
};

static inline void
call_begin(struct call *call, const char *in)
{
	*call = (struct call){ .ctl = { .config = "c.conf", .terminal = true } };
	control_fixture_open(&call->fixture);
	call->ctl.client = call->fixture.client;
	call->ctl.out = open_memstream(&call->out, &call->out_size);
	call->ctl.err = open_memstream(&call->err, &call->err_size);
	/* A real file: a password is read from the descriptor, past the stream's buffer. */
	call->ctl.in = tmpfile();
	fputs(in, call->ctl.in);
	rewind(call->ctl.in);
}

/* line: the words, parted by blanks. */
static inline enum ctl_exit
call_run(struct call *call, const char *line)
{
	static char words[1024];
	char program[] = "sallyportctl";
	char *argv[32] = { program };
	int argc = 1;
	enum ctl_exit result;

	snprintf(words, sizeof words, "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	result = ctl_main(&call->ctl, argc, argv);
	call->fixture.client = call->ctl.client;
	fflush(call->ctl.out);
	fflush(call->ctl.err);
	return result;
}

static inline void
call_end(struct call *call)
{
	fclose(call->ctl.in);
	fclose(call->ctl.out);
	fclose(call->ctl.err);
	free(call->out);
	free(call->err);
	control_fixture_close(&call->fixture);
}

#define OK_DATA(data) "{\"ok\":true,\"more\":false,\"data\":" data "}"

#endif
