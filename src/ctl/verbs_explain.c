/* SPDX-License-Identifier: BSD-2-Clause */
/* explain: what would be decided of a message, and by which line of the configuration. */
#include "ctl/command.h"

#include <errno.h>
#include <string.h>

#include "wire/base64.h"

enum { HEADER_MAX_BYTES = 256 * 1024 };

static const struct argument explain_arguments[] = {
	{ "listener", "listener", ARGUMENT_OPTION, true },
	{ "mail-from", "mail_from", ARGUMENT_OPTION, true },
	{ "login", "login", ARGUMENT_OPTION, false },
	{ "ip", "ip", ARGUMENT_OPTION, false },
	{ "certificate", "certificate", ARGUMENT_OPTION, false },
	{ "rcpt", "rcpt", ARGUMENT_OPTION, false },
	{ "from", "from", ARGUMENT_OPTION, false },
	{ "sender", "sender", ARGUMENT_OPTION, false },
	{ "header", NULL, ARGUMENT_OPTION, false },
	{ "smtputf8", "smtputf8", ARGUMENT_FLAG, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct table_column explain_fields[] = {
	{ "verdict", "verdict", TABLE_TEXT },
	{ "code", "code", TABLE_TEXT },
	{ "enhanced", "enhanced", TABLE_TEXT },
	{ "text", "text", TABLE_TEXT },
	{ "decided by", "where", TABLE_TEXT },
	{ "rights", "rights", TABLE_TEXT },
	{ "limits", "limits", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column becomes_fields[] = {
	{ "MAIL FROM becomes", "mail_from", TABLE_TEXT },
	{ "From becomes", "from", TABLE_TEXT },
	{ "Sender becomes", "sender", TABLE_TEXT },
	{ "Reply-To becomes", "reply_to", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column filter_columns[] = {
	{ "FILTER", "name", TABLE_TEXT },
	{ "ASKED", "asked", TABLE_TEXT },
	{ "BECAUSE OF", "missed", TABLE_TEXT },
	{ "DECIDED BY", "where", TABLE_TEXT },
	{ "SIZE FROM", "smallest", TABLE_SIZE },
	{ "SIZE UP TO", "largest", TABLE_SIZE },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column step_columns[] = {
	{ "STEP", "at", TABLE_TEXT },
	{ "VERDICT", "verdict", TABLE_TEXT },
	{ "CODE", "code", TABLE_TEXT },
	{ "DECIDED BY", "where", TABLE_TEXT },
	{ "TEXT", "text", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

/*
 * Up to the empty line, if there is one; so a whole message will do. Where no line ends in CRLF the
 * file is one of this system, and its line ends are put right.
 */
static bool
read_block(FILE *file, struct buf *block)
{
	struct buf line = BUF_INIT(HEADER_MAX_BYTES);
	bool has_crlf = false;
	bool ended = false;
	int byte;

	while (!ended && !block->overflow && !line.overflow && (byte = getc(file)) != EOF) {
		struct span read;

		buf_add_byte(&line, (char)byte);
		if (byte != '\n')
			continue;
		read = buf_span(&line);
		ended = span_is(read, "\n") || span_is(read, "\r\n");
		has_crlf = has_crlf || (read.length > 1 && read.start[read.length - 2] == '\r');
		if (!ended && !has_crlf) {
			buf_add_span(block, span_first(read, read.length - 1));
			buf_add_text(block, "\r\n");
		} else if (!ended) {
			buf_add_span(block, read);
		}
		buf_clear(&line);
	}
	if (buf_length(&line) > 0) {
		buf_add_span(block, buf_span(&line));
		buf_add_text(block, "\r\n");
	}
	ended = !line.overflow && !block->overflow && !ferror(file);
	buf_fini(&line);
	return ended;
}

static bool
add_header(json_t *args, const char *path, struct fault *fault_out)
{
	struct buf block = BUF_INIT(HEADER_MAX_BYTES);
	struct buf text = BUF_INIT(0);
	FILE *file = fopen(path, "re");
	bool read = file && read_block(file, &block);

	if (!read)
		fault_set(fault_out, FAULT_CONFIG, "%s: %s", path,
			file && block.overflow ? "the header is too long" : strerror(errno));
	else if (base64_format(buf_span(&block), &text))
		json_object_set_new(args, "header",
			json_stringn(buf_span(&text).start, buf_length(&text)));
	if (file)
		fclose(file);
	buf_fini(&block);
	buf_fini(&text);
	return read;
}

static void
show(struct ctl *ctl, const struct command *command, const json_t *data)
{
	const json_t *steps = json_object_get(data, "steps");
	const json_t *filters = json_object_get(data, "filters");

	command_show(ctl, command, data);
	if (ctl->json)
		return;
	table_print_fields(ctl->out, becomes_fields, json_object_get(data, "becomes"));
	/* One step says nothing that is not said above. */
	if (json_array_size(steps) > 1) {
		fprintf(ctl->out, "\n");
		table_print(ctl->out, step_columns, steps, true);
	}
	if (json_array_size(filters) > 0) {
		fprintf(ctl->out, "\n");
		table_print(ctl->out, filter_columns, filters, true);
	} else if (json_is_array(filters)) {
		fprintf(ctl->out, "\nNo filter stands in the policy of this listener.\n");
	}
}

static bool
is_yes(const json_t *data)
{
	static const char *const yes[] = { "pass", "rewrite", "on-behalf", "strip" };
	const char *verdict = json_string_value(json_object_get(data, "verdict"));

	for (size_t i = 0; verdict && i < sizeof yes / sizeof *yes; i++)
		if (strcmp(verdict, yes[i]) == 0)
			return true;
	return false;
}

/* The exit is the verdict, so that a script can ask; mail that is held does not go out. */
static enum ctl_exit
explain(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	json_t *args = arguments_json(arguments, &fault);
	const char *path = arguments_get(arguments, "header");
	enum ctl_exit result;
	json_t *data;

	if (args && path && !add_header(args, path, &fault)) {
		json_decref(args);
		args = NULL;
	}
	if (!args)
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	result = ctl_ask(ctl, command, args, &data);
	if (result != CTL_DONE)
		return result;
	show(ctl, command, data);
	result = is_yes(data) ? CTL_DONE : CTL_NO;
	json_decref(data);
	return result;
}

const struct command commands_explain[] = {
	{ .verb = "explain", .arguments = explain_arguments, .run = explain,
		.columns = explain_fields,
		.help = "Say whether somebody may send so, and which line of the configuration "
			"decides" },
	{ .verb = NULL },
};
