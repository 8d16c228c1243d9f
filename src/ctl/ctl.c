/* SPDX-License-Identifier: BSD-2-Clause */
/* One call of the administrator's tool: its options, its verb, its connection, its exit. */
#include "ctl/ctl.h"

#include <string.h>

#include "base/memory.h"
#include "config/config.h"
#include "config/suggest.h"
#include "config.h"
#include "ctl/command.h"
#include "ctl/control_client.h"
#include "ctl/offline.h"

enum { ANSWER_WAIT_MS = 120000, SOCKET_PATH_SIZE = 4096 };

void
ctl_print_json(struct ctl *ctl, const json_t *data)
{
	json_dumpf(data, ctl->out, JSON_INDENT(2) | JSON_ENCODE_ANY);
	fputc('\n', ctl->out);
}

static const char *
kind_of(enum ctl_exit result, const struct fault *fault)
{
	if (result == CTL_USAGE)
		return "usage";
	if (result == CTL_UNREACHABLE)
		return "unreachable";
	switch (fault->kind) {
	case FAULT_CONFIG:
		return "config";
	case FAULT_DENIED:
		return "denied";
	case FAULT_MISSING:
		return "missing";
	case FAULT_BUSY:
	case FAULT_LIMIT:
		return "busy";
	case FAULT_NONE:
	case FAULT_SYSTEM:
	case FAULT_PEER:
		break;
	}
	return "failed";
}

enum ctl_exit
ctl_refuse(struct ctl *ctl, enum ctl_exit result, const struct fault *fault)
{
	if (ctl->json) {
		json_t *told = json_pack("{s:s, s:s}", "error", fault->text, "kind",
			kind_of(result, fault));
		ctl_print_json(ctl, told);
		json_decref(told);
	} else {
		fprintf(ctl->err, "sallyportctl: %s\n", fault->text);
	}
	return result;
}

/* ---- asking the daemon ------------------------------------------------------------------------ */

static enum ctl_exit
connect_offline(struct ctl *ctl, struct fault *fault)
{
	ctl->client = offline_start(ctl->config, fault);
	return ctl->client ? CTL_DONE : ctl_refuse(ctl, CTL_UNREACHABLE, fault);
}

static enum ctl_exit
connect_daemon(struct ctl *ctl, bool may_offline)
{
	char path[SOCKET_PATH_SIZE];
	struct fault fault = FAULT_INIT;

	if (ctl->client)
		return CTL_DONE;
	if (ctl->socket)
		snprintf(path, sizeof path, "%s", ctl->socket);
	else if (!config_find_socket(ctl->config, path, sizeof path, &fault))
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	ctl->client = control_client_open(path, &fault);
	if (ctl->client)
		return CTL_DONE;
	if (fault.kind == FAULT_MISSING && may_offline)
		return connect_offline(ctl, &fault);
	if (fault.kind == FAULT_MISSING)
		fault_add(&fault, "the daemon does not run");
	return ctl_refuse(ctl, CTL_UNREACHABLE, &fault);
}

enum ctl_exit
ctl_ask(struct ctl *ctl, const struct command *command, json_t *args, json_t **data_out)
{
	struct fault fault = FAULT_INIT;
	enum ctl_exit result = connect_daemon(ctl, command->offline);

	if (result == CTL_DONE) {
		switch (control_client_call(ctl->client, command->verb, args, ANSWER_WAIT_MS,
			data_out, &fault)) {
		case CONTROL_CALL_DONE:
			break;
		case CONTROL_CALL_REFUSED:
			result = ctl_refuse(ctl, CTL_NO, &fault);
			break;
		case CONTROL_CALL_LOST:
			result = ctl_refuse(ctl, CTL_UNREACHABLE, &fault);
			break;
		}
	}
	json_decref(args);
	return result;
}

static enum ctl_exit
ask_and_show(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	json_t *args = arguments_json(arguments, &fault);

	return args ? command_ask(ctl, command, args) : ctl_refuse(ctl, CTL_USAGE, &fault);
}

/* ---- the command line ------------------------------------------------------------------------- */

static void
print_help_line(FILE *out, const struct command *command)
{
	static const struct argument none = { NULL, NULL, ARGUMENT_WORD, false };
	char synopsis[256];

	arguments_describe(command->arguments ? command->arguments : &none, synopsis,
		sizeof synopsis);
	fprintf(out, "  %s%s%s\n        %s\n", command->verb, synopsis[0] ? " " : "", synopsis,
		command->help);
}

static void
print_help(FILE *out, const char *group)
{
	fputs("usage: sallyportctl [-c FILE] [--socket PATH] [--json] VERB ...\n", out);
	for (const struct command *each = command_next(NULL); each; each = command_next(each)) {
		if (!group || command_is_in_group(each, group) || strcmp(each->verb, group) == 0)
			print_help_line(out, each);
	}
}

/* The first word alone, or with a second word that does not follow it. */
static enum ctl_exit
unknown_verb(struct ctl *ctl, int argc, char *const *argv)
{
	struct suggest suggest = { NULL, 0 };
	struct fault fault = FAULT_INIT;
	char verb[128];
	bool group = false;

	for (const struct command *each = command_next(NULL); each; each = command_next(each))
		group |= command_is_in_group(each, argv[0]);
	snprintf(verb, sizeof verb, "%s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	for (const struct command *each = command_next(NULL); each; each = command_next(each)) {
		suggest_consider(&suggest, verb, each->verb);
		suggest_consider(&suggest, argv[0], each->verb);
	}
	if (group && argc == 1)
		fault_set(&fault, FAULT_CONFIG, "\"%s\" needs a second word", verb);
	else if (suggest.best)
		fault_set(&fault, FAULT_CONFIG, "unknown verb \"%s\"; did you mean \"%s\"?", verb,
			suggest.best);
	else
		fault_set(&fault, FAULT_CONFIG, "unknown verb \"%s\"", verb);
	ctl_refuse(ctl, CTL_USAGE, &fault);
	if (group && !ctl->json)
		print_help(ctl->err, argv[0]);
	return CTL_USAGE;
}

static enum ctl_exit
run_command(struct ctl *ctl, int argc, char *const *argv)
{
	static const struct argument none = { NULL, NULL, ARGUMENT_WORD, false };
	struct fault fault = FAULT_INIT;
	struct arguments arguments;
	int words = 0;
	const struct command *command = command_find(argc, argv, &words);

	if (!command)
		return unknown_verb(ctl, argc, argv);
	if (!arguments_parse(command->arguments ? command->arguments : &none, argc - words,
		    argv + words, &arguments, &fault)) {
		ctl_refuse(ctl, CTL_USAGE, &fault);
		if (!ctl->json)
			print_help(ctl->err, command->verb);
		return CTL_USAGE;
	}
	return command->run ? command->run(ctl, command, &arguments)
			    : ask_and_show(ctl, command, &arguments);
}

/* What holds for every verb may stand anywhere; the rest goes to words, and their number is given. */
struct globals {
	bool help;
	bool version;
	const char *missing; /* an option without its value */
};

static int
take_globals(struct ctl *ctl, int argc, char *const *argv, char **words, struct globals *globals)
{
	int count = 0;

	for (int at = 1; at < argc; at++) {
		const char *word = argv[at];
		bool with_value = strcmp(word, "-c") == 0 || strcmp(word, "--socket") == 0;

		if (strcmp(word, "--") == 0) {
			while (at < argc)
				words[count++] = argv[at++];
		} else if (with_value && at + 1 >= argc) {
			globals->missing = word;
		} else if (strcmp(word, "-c") == 0) {
			ctl->config = argv[++at];
		} else if (strcmp(word, "--socket") == 0) {
			ctl->socket = argv[++at];
		} else if (strcmp(word, "--json") == 0) {
			ctl->json = true;
		} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			globals->help = true;
		} else if (strcmp(word, "--version") == 0) {
			globals->version = true;
		} else {
			words[count++] = argv[at];
		}
	}
	return count;
}

enum ctl_exit
ctl_main(struct ctl *ctl, int argc, char *const *argv)
{
	struct globals globals = { false, false, NULL };
	struct fault fault = FAULT_INIT;
	char **words = mem_alloc_array((size_t)argc + 1, sizeof *words);
	int count = take_globals(ctl, argc, argv, words, &globals);
	enum ctl_exit result = CTL_DONE;

	if (globals.missing) {
		fault_set(&fault, FAULT_CONFIG, "%s needs a value", globals.missing);
		result = ctl_refuse(ctl, CTL_USAGE, &fault);
	} else if (globals.version) {
		fprintf(ctl->out, "sallyportctl %s\n", PACKAGE_VERSION);
	} else if (globals.help) {
		print_help(ctl->out, count > 0 ? words[0] : NULL);
	} else if (count == 0) {
		print_help(ctl->err, NULL);
		result = CTL_USAGE;
	} else {
		result = run_command(ctl, count, words);
	}
	control_client_free(&ctl->client);
	mem_free(&words);
	return result;
}
