/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs that try a service as a client would: test smtp. */
#include "ctl/command.h"

#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "ctl/password.h"
#include "ctl/smtp_probe.h"

enum { STEP_WAIT_MS = 30000 };

/* What was called, and what of the configuration it needs. */
struct trial {
	struct ctl *ctl;
	const struct arguments *arguments;
	struct settings *settings; /* NULL: not needed */
	struct arena *arena;
	struct smtp_probe probe;
};

static const char *
option(const struct trial *trial, const char *name)
{
	return arguments_get(trial->arguments, name);
}

/* ---- where to ------------------------------------------------------------------------------------ */

/* Every address of this machine is reached by its loopback address. */
static bool
connect_to(struct trial *trial, const char *listens_on, struct fault *fault)
{
	struct endpoint *to = &trial->probe.to;
	const char *host;

	if (!endpoint_parse(span_text(listens_on), ENDPOINT_LISTEN, 0, trial->arena, to, fault))
		return false;
	if (to->kind == ENDPOINT_UNIX)
		return true;
	host = strcmp(to->host, "*") == 0 || strcmp(to->host, "0.0.0.0") == 0 ? "127.0.0.1"
		: strcmp(to->host, "::") == 0                                 ? "::1"
									      : to->host;
	to->host = host;
	to->text = arena_printf(trial->arena, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
		to->port);
	return true;
}

/* Port 0 in the file: only the daemon knows which one it is. */
static enum ctl_exit
ask_address(struct trial *trial, const struct settings_listener *listener, const char **address_out)
{
	static const struct command status = { .verb = "status" };
	json_t *data;
	json_t *each;
	size_t index;
	enum ctl_exit result = ctl_ask(trial->ctl, &status, json_object(), &data);

	if (result != CTL_DONE)
		return result;
	*address_out = NULL;
	json_array_foreach(json_object_get(data, "listeners"), index, each)
	{
		const char *name = json_string_value(json_object_get(each, "name"));
		const char *address = json_string_value(
			json_array_get(json_object_get(each, "addresses"), 0));
		if (name && address && strcmp(name, listener->title) == 0)
			*address_out = arena_strdup(trial->arena, address);
	}
	json_decref(data);
	return CTL_DONE;
}

static enum ctl_exit
aim_at_listener(struct trial *trial, const struct settings_listener *listener)
{
	const struct endpoint *first = &listener->address.items[0];
	const char *address = first->text;
	struct fault fault = FAULT_INIT;

	if (first->kind == ENDPOINT_INET && first->port == 0) {
		enum ctl_exit result = ask_address(trial, listener, &address);
		if (result != CTL_DONE)
			return result;
	}
	if (!address)
		fault_set(&fault, FAULT_MISSING, "the daemon has no listener \"%s\"",
			listener->title);
	else if (connect_to(trial, address, &fault)) {
		trial->probe.tls = listener->tls;
		trial->probe.name = trial->settings->hostname;
		return CTL_DONE;
	}
	return ctl_refuse(trial->ctl, CTL_NO, &fault);
}

static enum ctl_exit
aim_at_host(struct trial *trial, const char *target)
{
	enum { SMTPS_PORT = 465, SUBMISSION_PORT = 587 };
	struct fault fault = FAULT_INIT;
	struct endpoint *to = &trial->probe.to;

	if (!endpoint_parse(span_text(target), ENDPOINT_CONNECT, SUBMISSION_PORT, trial->arena, to,
		    &fault)) {
		fault_add(&fault, "\"%s\" is no listener of the configuration, and", target);
		return ctl_refuse(trial->ctl, CTL_USAGE, &fault);
	}
	trial->probe.tls = to->kind == ENDPOINT_UNIX ? LISTENER_TLS_NONE
		: to->port == SMTPS_PORT             ? LISTENER_TLS_IMPLICIT
						     : LISTENER_TLS_STARTTLS;
	trial->probe.name = to->host;
	return CTL_DONE;
}

/* A listener's name needs the configuration; a host does not. */
static enum ctl_exit
aim(struct trial *trial)
{
	const char *target = option(trial, "LISTENER|HOST:PORT");
	const struct settings_listener *listener = NULL;
	struct fault fault = FAULT_INIT;

	trial->settings = config_load(trial->ctl->config, &fault);
	if (trial->settings)
		listener = settings_find_listener(trial->settings, target);
	if (!listener && !strchr(target, ':') && !trial->settings)
		return ctl_refuse(trial->ctl, CTL_NO, &fault);
	return listener ? aim_at_listener(trial, listener) : aim_at_host(trial, target);
}

/* ---- what to try ------------------------------------------------------------------------------ */

static bool
choose_tls(struct trial *trial, struct fault *fault)
{
	static const struct {
		const char *word;
		enum listener_tls tls;
	} words[] = {
		{ "none", LISTENER_TLS_NONE },
		{ "starttls", LISTENER_TLS_STARTTLS },
		{ "implicit", LISTENER_TLS_IMPLICIT },
	};
	const char *wanted = option(trial, "tls");

	if (!wanted)
		return true;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i].word, wanted) == 0) {
			trial->probe.tls = words[i].tls;
			return true;
		}
	}
	return fault_set(fault, FAULT_CONFIG, "--tls: \"%s\" is none of none, starttls, implicit",
		wanted);
}

static void
choose_greeting(struct trial *trial)
{
	char name[256] = "localhost";

	gethostname(name, sizeof name - 1);
	trial->probe.greeting = arena_strdup(trial->arena, name);
}

static enum ctl_exit
prepare(struct trial *trial, struct secret **password_out)
{
	struct smtp_probe *probe = &trial->probe;
	struct fault fault = FAULT_INIT;

	if (!choose_tls(trial, &fault))
		return ctl_refuse(trial->ctl, CTL_USAGE, &fault);
	if (option(trial, "name"))
		probe->name = option(trial, "name");
	probe->trust_file = option(trial, "trust");
	probe->login = option(trial, "login");
	probe->mail_from = option(trial, "mail-from");
	probe->rcpt = option(trial, "rcpt");
	probe->wait_ms = STEP_WAIT_MS;
	choose_greeting(trial);
	if (!probe->login)
		return CTL_DONE;
	*password_out = password_read(trial->ctl->in, option(trial, "password-stdin") != NULL, false,
		&fault);
	probe->password = *password_out;
	return *password_out ? CTL_DONE : ctl_refuse(trial->ctl, CTL_USAGE, &fault);
}

static const struct table_column step_columns[] = {
	{ "STEP", "step", TABLE_TEXT },
	{ "MS", "ms", TABLE_TEXT },
	{ "OK", "ok", TABLE_TEXT },
	{ "WHAT", "text", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static void
show(struct ctl *ctl, const json_t *told)
{
	const char *failed = json_string_value(json_object_get(told, "failed"));

	if (ctl->json) {
		ctl_print_json(ctl, told);
		return;
	}
	table_print(ctl->out, step_columns, json_object_get(told, "steps"), ctl->terminal);
	if (failed)
		fprintf(ctl->err, "sallyportctl: %s fails at %s\n",
			json_string_value(json_object_get(told, "target")), failed);
}

static enum ctl_exit
test_smtp(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct trial trial = { .ctl = ctl, .arguments = arguments, .arena = arena_new(1024) };
	struct secret *password = NULL;
	enum ctl_exit result = aim(&trial);

	(void)command;
	if (result == CTL_DONE)
		result = prepare(&trial, &password);
	if (result == CTL_DONE) {
		bool good;
		json_t *told = smtp_probe_run(&trial.probe, &good);
		show(ctl, told);
		json_decref(told);
		result = good ? CTL_DONE : CTL_NO;
	}
	secret_free(&password);
	settings_free(&trial.settings);
	arena_free(&trial.arena);
	return result;
}

static const struct argument smtp_arguments[] = {
	{ "LISTENER|HOST:PORT", NULL, ARGUMENT_WORD, true },
	{ "tls", NULL, ARGUMENT_OPTION, false },
	{ "name", NULL, ARGUMENT_OPTION, false },
	{ "trust", NULL, ARGUMENT_OPTION, false },
	{ "login", NULL, ARGUMENT_OPTION, false },
	{ "password-stdin", NULL, ARGUMENT_FLAG, false },
	{ "mail-from", NULL, ARGUMENT_OPTION, false },
	{ "rcpt", NULL, ARGUMENT_OPTION, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

const struct command commands_test[] = {
	{ .verb = "test smtp", .arguments = smtp_arguments, .run = test_smtp,
		.help = "Speak to a listener or another server as a client; each step is timed" },
	{ .verb = NULL },
};
