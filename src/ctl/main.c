/* SPDX-License-Identifier: BSD-2-Clause */
/* sallyportctl: the administrator's tool. */
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "ctl/ctl.h"

/* Requests hold passwords; how Jansson frees is how they are wiped. */
static void
wipe_and_free(void *bytes)
{
	if (bytes)
		mem_wipe(bytes, malloc_usable_size(bytes));
	free(bytes);
}

int
main(int argc, char **argv)
{
	struct ctl ctl = {
		.config = SALLYPORT_CONFIG,
		.terminal = isatty(STDOUT_FILENO),
		.in = stdin,
		.out = stdout,
		.err = stderr,
	};
	enum ctl_exit result;

	json_set_alloc_funcs(malloc, wipe_and_free);
	signal(SIGPIPE, SIG_IGN);
	result = ctl_main(&ctl, argc, argv);
	if (fflush(stdout) != 0 && result == CTL_DONE)
		result = CTL_NO;
	return (int)result;
}
