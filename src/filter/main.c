/* SPDX-License-Identifier: BSD-2-Clause */
/* The program sallyport-milter: its arguments. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "filter/console.h"
#include "filter/filter.h"

enum {
	OPTION_CHECK = 256,
	OPTION_FROM,
	OPTION_CLIENT,
	OPTION_LISTENER,
	OPTION_PARSE_FROM,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "client", required_argument, NULL, OPTION_CLIENT },
	{ "listener", required_argument, NULL, OPTION_LISTENER },
	{ "parse-from", required_argument, NULL, OPTION_PARSE_FROM },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	struct filter_options server;
	struct console_question question;
	const char *parse_from;
	bool test;
	bool check;
	bool asks_more; /* what belongs to --check alone was said */
};

static int
say_usage(FILE *to, int status)
{
	fprintf(to, "usage: sallyport-milter [-f] [-c FILE]\n"
		    "       sallyport-milter -t [-c FILE]\n"
		    "       sallyport-milter --check [-c FILE] [--from VALUE] [--client IP]\n"
		    "                        [--listener NAME] LOGIN ADDRESS\n"
		    "       sallyport-milter --parse-from VALUE\n"
		    "  -c FILE             configuration, " SYSCONFDIR
		    "/sallyport/sallyport-milter.conf\n"
		    "  -f                  stay in the foreground\n"
		    "  -t                  check the configuration and end\n"
		    "  --check             may LOGIN (\"\" for none) send as ADDRESS?\n"
		    "  --from VALUE        with this value of From as well\n"
		    "  --client IP         from this address\n"
		    "  --listener NAME     where this is the {daemon_name}\n"
		    "  --parse-from VALUE  the mailboxes that are seen in this value of From\n"
		    "  --version           say the version\n");
	return status;
}

static bool
take_long(struct arguments *arguments, int option)
{
	switch (option) {
	case OPTION_CHECK:
		arguments->check = true;
		return true;
	case OPTION_PARSE_FROM:
		arguments->parse_from = optarg;
		return true;
	case OPTION_FROM:
		arguments->question.from = optarg;
		break;
	case OPTION_CLIENT:
		arguments->question.client = optarg;
		break;
	case OPTION_LISTENER:
		arguments->question.listener = optarg;
		break;
	default:
		return false;
	}
	arguments->asks_more = true;
	return true;
}

static int
run(struct arguments *arguments, int count, char **words)
{
	const char *config = arguments->server.config;
	bool asks = arguments->check || arguments->parse_from || arguments->test;

	if (count != (arguments->check ? 2 : 0) || (arguments->asks_more && !arguments->check) ||
		(asks && arguments->server.foreground) ||
		arguments->check + arguments->test + (arguments->parse_from != NULL) > 1)
		return say_usage(stderr, CONSOLE_USAGE);
	if (arguments->parse_from)
		return console_parse_from(arguments->parse_from, stdout, stderr);
	if (arguments->test)
		return console_test(config, stdout, stderr);
	if (!arguments->check)
		return filter_run(&arguments->server);
	arguments->question.login = words[0];
	arguments->question.address = words[1];
	return console_check(config, &arguments->question, stdout, stderr);
}

int
main(int argc, char **argv)
{
	struct arguments arguments = {
		.server.config = SYSCONFDIR "/sallyport/sallyport-milter.conf",
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:ft", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments.server.config = optarg;
			break;
		case 'f':
			arguments.server.foreground = true;
			break;
		case 't':
			arguments.test = true;
			break;
		case OPTION_VERSION:
			printf("sallyport-milter %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case OPTION_HELP:
			return say_usage(stdout, EXIT_SUCCESS);
		default:
			if (!take_long(&arguments, option))
				return say_usage(stderr, CONSOLE_USAGE);
		}
	}
	return run(&arguments, argc - optind, argv + optind);
}
