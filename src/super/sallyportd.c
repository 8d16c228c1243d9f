/* SPDX-License-Identifier: BSD-2-Clause */
/* The program sallyportd: its arguments, and the way to becoming super. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "config.h"
#include "config/config.h"
#include "ipc/control.h"
#include "super/files.h"
#include "super/notice.h"
#include "super/super.h"

enum { EXIT_USAGE = 2 };

enum { OPTION_READY_FD = 256, OPTION_VERSION, OPTION_HELP };

static const struct option long_options[] = {
	{ "ready-fd", required_argument, NULL, OPTION_READY_FD },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static int
say_usage(FILE *to, int status)
{
	fprintf(to, "usage: sallyportd [-ft] [--ready-fd N] [-c FILE]\n"
		    "  -c FILE       configuration, " SYSCONFDIR "/sallyport/sallyport.conf\n"
		    "  -f            stay in the foreground\n"
		    "  -t            check the configuration and end\n"
		    "  --ready-fd N  write a line to this descriptor when every listener accepts\n"
		    "  --version     say the version\n");
	return status;
}

static bool
parse_fd(const char *text, int *fd_out)
{
	uint64_t number;

	/* 0 to 2 are the terminal's. */
	if (!text_parse_number(span_text(text), 1024 * 1024, &number) || number < 3)
		return false;
	*fd_out = (int)number;
	return true;
}

static int
fail(const struct fault *fault)
{
	fprintf(stderr, "sallyportd: %s\n", fault->text);
	return EXIT_FAILURE;
}

static int
check_only(const char *path)
{
	struct fault fault = FAULT_INIT;
	struct settings *settings = config_load(path, &fault);
	struct files *files = settings ? files_read(settings, &fault) : NULL;
	int status = EXIT_SUCCESS;

	if (!files)
		status = fail(&fault);
	else
		printf("%s: good\n", path);
	files_free(&files);
	settings_free(&settings);
	return status;
}

static int
serve(const struct super_options *options)
{
	struct fault fault = FAULT_INIT;
	struct settings *settings = config_load(options->config, &fault);
	struct super super;
	int status;

	if (!settings)
		return fail(&fault);
	if (!options->foreground && !notice_detach(&fault))
		return fail(&fault);
	umask(027);
	control_wipe_memory();
	log_start(role_name(ROLE_SUPER), STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	if (super_start(&super, options, settings, &fault)) {
		super_run(&super);
		status = super.status;
	} else {
		log_event(EV_SUPER_FAILED, kv_fault(&fault));
		status = fail(&fault);
	}
	super_free(&super);
	return status;
}

int
main(int argc, char **argv)
{
	struct super_options options = { .config = SYSCONFDIR "/sallyport/sallyport.conf",
		.ready_fd = -1 };
	bool check = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:ft", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			options.config = optarg;
			break;
		case 'f':
			options.foreground = true;
			break;
		case 't':
			check = true;
			break;
		case OPTION_READY_FD:
			if (!parse_fd(optarg, &options.ready_fd))
				return say_usage(stderr, EXIT_USAGE);
			break;
		case OPTION_VERSION:
			printf("sallyportd %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case OPTION_HELP:
			return say_usage(stdout, EXIT_SUCCESS);
		default:
			return say_usage(stderr, EXIT_USAGE);
		}
	}
	if (optind != argc)
		return say_usage(stderr, EXIT_USAGE);
	return check ? check_only(options.config) : serve(&options);
}
