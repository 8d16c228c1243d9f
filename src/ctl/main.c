/* SPDX-License-Identifier: BSD-2-Clause */
/* sallyportctl: the administrator's tool. */
#include <signal.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ipc/control.h"

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

	control_wipe_memory();
	signal(SIGPIPE, SIG_IGN);
	result = ctl_main(&ctl, argc, argv);
	if (fflush(stdout) != 0 && result == CTL_DONE)
		result = CTL_NO;
	return (int)result;
}
