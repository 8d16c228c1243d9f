/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of commands: a row for each verb, gathered from one file for each group of verbs. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "ctl/arguments.h"
#include "ctl/ctl.h"
#include "ctl/table.h"

struct command {
	const char *verb;                  /* "queue list"; also the verb of the request */
	const char *help;                  /* one line */
	const struct argument *arguments;  /* ended by a NULL name; NULL: none */
	bool offline;                      /* auth answers it while the daemon is down */
	/* NULL: asks the daemon with the arguments and shows the answer as the next two say. */
	enum ctl_exit (*run)(struct ctl *ctl, const struct command *command,
		const struct arguments *arguments);
	const char *list;                  /* member of the answer that is a table; NULL: fields */
	const struct table_column *columns; /* NULL: the answer holds nothing to show */
	const char *done;                  /* said when that is so; NULL: nothing */
};

/* Each ended by a row without a verb. */
extern const struct command commands_daemon[];   /* status, reload, stop */
extern const struct command commands_config[];   /* config …, check */
extern const struct command commands_account[];  /* account …, address … */
extern const struct command commands_app[];      /* account app-password … */
extern const struct command commands_document[]; /* account export, account import */
extern const struct command commands_group[];    /* group …, grant … */
extern const struct command commands_queue[];    /* queue …, track */
extern const struct command commands_session[];  /* sessions … */
extern const struct command commands_limits[];   /* limits … */
extern const struct command commands_explain[];  /* explain */
extern const struct command commands_report[];   /* report … */
extern const struct command commands_milter[];   /* milter … */
extern const struct command commands_test[];     /* test … */

/* The command that argv begins with, and how many words its verb takes; NULL if there is none. */
const struct command *command_find(int argc, char *const *argv, int *words_out);
/* The first command after this one, or the very first of all for NULL. */
const struct command *command_next(const struct command *command);
/* Does the verb begin with this word, "queue" of "queue list"? */
bool command_is_in_group(const struct command *command, const char *word);

/* Asks with args, which is taken, and shows the answer. */
enum ctl_exit command_ask(struct ctl *ctl, const struct command *command, json_t *args);
/* Shows an answer as the row says, or as JSON. */
void command_show(struct ctl *ctl, const struct command *command, const json_t *data);
/* A table of the answer behind what was shown, with a line between; nothing if it has no rows. */
void command_print_table(struct ctl *ctl, const struct table_column *columns, const json_t *rows);

#endif
