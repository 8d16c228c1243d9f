/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs that write all accounts into a document, and read them from one. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ctl/command.h"
#include "base/memory.h"

enum { DOCUMENT_MAX_BYTES = 900 * 1024 }; /* of one import: it is one request */

static const struct argument export_arguments[] = {
	{ "secrets", "secrets", ARGUMENT_FLAG, false },
	{ "output", NULL, ARGUMENT_OPTION, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument import_arguments[] = {
	{ "FILE|-", NULL, ARGUMENT_WORD, true },
	{ "replace", "replace", ARGUMENT_FLAG, false },
	{ "dry-run", "dry_run", ARGUMENT_FLAG, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct table_column import_fields[] = {
	{ "added", "added", TABLE_TEXT },
	{ "changed", "changed", TABLE_TEXT },
	{ "unchanged", "unchanged", TABLE_TEXT },
	{ "only tried", "dry_run", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

/* ---- export ---------------------------------------------------------------------------------- */

/* A new file that nobody else may read. */
static bool
write_file(const char *path, const json_t *document, struct fault *fault_out)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool written;

	if (!file) {
		fault_set_errno(fault_out, "%s", path);
		if (fd >= 0)
			close(fd);
		return false;
	}
	written = json_dumpf(document, file, JSON_INDENT(2)) == 0 && fputc('\n', file) != EOF &&
		fflush(file) == 0 && fsync(fd) == 0;
	if (!written)
		fault_set_errno(fault_out, "%s", path);
	written = fclose(file) == 0 && written;
	return written;
}

static json_t *
groups_of(const json_t *answer)
{
	json_t *groups = json_deep_copy(json_object_get(answer, "groups"));
	json_t *group;
	size_t index;

	json_array_foreach(groups, index, group)
		json_object_del(group, "changed_ms");
	return groups ? groups : json_array();
}

static enum ctl_exit
export(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	const struct command list = { .verb = "group list", .offline = true };
	const char *path = arguments_get(arguments, "output");
	struct fault fault = FAULT_INIT;
	enum ctl_exit result;
	json_t *accounts;
	json_t *document;
	json_t *groups;

	result = ctl_ask(ctl, &list, json_object(), &groups);
	if (result != CTL_DONE)
		return result;
	result = ctl_ask(ctl, command, arguments_json(arguments, &fault), &accounts);
	if (result == CTL_DONE) {
		document = json_pack("{s:i, s:o, s:O}", "version", 1, "groups", groups_of(groups),
			"accounts", json_object_get(accounts, "accounts"));
		if (!path)
			ctl_print_json(ctl, document);
		else if (!write_file(path, document, &fault))
			result = ctl_refuse(ctl, CTL_NO, &fault);
		json_decref(document);
		json_decref(accounts);
	}
	json_decref(groups);
	return result;
}

/* ---- import ---------------------------------------------------------------------------------- */

static json_t *
parse(FILE *file, struct fault *fault_out)
{
	char *text = mem_alloc(DOCUMENT_MAX_BYTES + 1);
	size_t length = fread(text, 1, DOCUMENT_MAX_BYTES + 1, file);
	json_t *document = NULL;
	json_error_t error;

	if (length > DOCUMENT_MAX_BYTES) {
		fault_set(fault_out, FAULT_CONFIG, "the document has more than %d KiB; import it in parts",
			DOCUMENT_MAX_BYTES / 1024);
	} else {
		document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
		if (!document)
			fault_set(fault_out, FAULT_CONFIG, "line %d: %s", error.line, error.text);
	}
	mem_wipe(text, DOCUMENT_MAX_BYTES + 1);
	mem_free(&text);
	return document;
}

static json_t *
read_document(struct ctl *ctl, const char *path, struct fault *fault_out)
{
	FILE *file = strcmp(path, "-") == 0 ? ctl->in : fopen(path, "re");
	json_t *document;

	if (!file) {
		fault_set_errno(fault_out, "%s", path);
		return NULL;
	}
	document = parse(file, fault_out);
	if (file != ctl->in)
		fclose(file);
	return document;
}

static enum ctl_exit
import(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	json_t *document = read_document(ctl, arguments_get(arguments, "FILE|-"), &fault);
	json_t *args;

	if (!document)
		return ctl_refuse(ctl, CTL_NO, &fault);
	args = arguments_json(arguments, &fault);
	json_object_set_new(args, "document", document);
	return command_ask(ctl, command, args);
}

const struct command commands_document[] = {
	{ .verb = "account export", .arguments = export_arguments, .offline = true, .run = export,
		.help = "Write groups and accounts as JSON, with stored keys only if so told" },
	{ .verb = "account import", .arguments = import_arguments, .offline = true, .run = import,
		.columns = import_fields,
		.help = "Make groups and accounts as a document says: all of it, or nothing" },
	{ .verb = NULL },
};
