/* SPDX-License-Identifier: BSD-2-Clause */
/* The one table of settings: name, kind, range, default, who sees it, where it lives, what it is for. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "config/settings.h"

enum schema_kind {
	SCHEMA_TEXT,      /* const char * */
	SCHEMA_NUMBER,    /* uint64_t */
	SCHEMA_DURATION,  /* uint64_t, ms */
	SCHEMA_SIZE,      /* uint64_t, bytes */
	SCHEMA_YES_NO,    /* bool */
	SCHEMA_CHOICE,    /* an enum; written as one of words */
	SCHEMA_FLAGS,     /* uint32_t; a list of words, or-ed */
	SCHEMA_TEXTS,     /* struct settings_texts */
	SCHEMA_DURATIONS, /* struct settings_durations */
	SCHEMA_NETWORKS,  /* struct settings_networks */
	SCHEMA_ENDPOINTS, /* struct settings_endpoints, to listen on */
	SCHEMA_ENDPOINT,  /* struct endpoint, to connect to */
	SCHEMA_TARGET,    /* struct route_target */
	SCHEMA_KIND_COUNT,
};

struct schema_word {
	const char *word;
	unsigned int value;
};

/*
 * Is the text right for the setting? text_out is what is kept: a copy in the arena, in canonical
 * form where there is one. The fault says what it is not: "is not an absolute path".
 */
typedef bool schema_check(struct span text, struct arena *arena, const char **text_out,
	struct fault *fault);

struct schema_row {
	const char *name;
	enum schema_kind kind;
	size_t offset;               /* in the struct of its section */
	const char *standard;        /* the default as it would be written; NULL: must be written */
	uint64_t least;              /* NUMBER, DURATION, SIZE, and each of DURATIONS */
	uint64_t most;               /* the same; lists: most elements */
	const struct schema_word *words; /* CHOICE, FLAGS; ended by a NULL word */
	schema_check *check;         /* TEXT and each of TEXTS; NULL: any printable text */
	unsigned int roles;          /* ROLE_BIT() of those whose slice has it */
	const char *help;            /* one sentence without a final stop */
};

/*
 * Sections without a title are part of their parent's struct. Those with one are a list
 * { const struct x *items; size_t count } in it, and x begins with title and where.
 */
struct schema_section {
	const char *name;            /* "" for the file itself */
	bool titled;
	const char *title_standard;  /* what a section without a title is called; NULL: it needs one */
	size_t offset;               /* in the struct of the parent */
	size_t size;                 /* of one item */
	size_t most;                 /* items */
	schema_check *title;         /* of the title */
	bool (*on_title)(void *item, struct arena *arena, struct fault *fault); /* may be NULL */
	const struct schema_row *rows;
	size_t row_count;
	const struct schema_section *const *sections;
	size_t section_count;
	const char *title_word;      /* what the title is, for the manual: "NAME" */
	const char *help;
};

/* The list of a titled section, whatever its items are. */
struct schema_list {
	void *items;
	size_t count;
};

/* What every item of a titled section begins with. */
struct schema_item {
	const char *title;
	const char *where;
};

extern const struct schema_section schema_root;

const struct schema_row *schema_find_row(const struct schema_section *section, const char *name);
const struct schema_section *schema_find_section(const struct schema_section *section,
	const char *name);
bool schema_is_list(const struct schema_row *row);
/* Does the role's slice have anything of this section, or of one inside it? */
bool schema_section_has_role(const struct schema_section *section, enum role role);
/* "duration", "list of networks", … */
const char *schema_kind_name(enum schema_kind kind);

/*
 * Every row with its path ("listener permit rights" is { listener, permit } and the row), in the
 * order of the table. Stops when the callback gives false, and then gives false.
 */
enum { SCHEMA_DEPTH_MAX = 3 };
struct schema_path {
	const struct schema_section *sections[SCHEMA_DEPTH_MAX];
	size_t depth;
};
typedef bool schema_visit(const struct schema_path *path, const struct schema_row *row,
	void *context);
bool schema_walk(schema_visit *visit, void *context);

/* The sections of the table, each in a file with its rows. */
extern const struct schema_section schema_users;
extern const struct schema_section schema_tls;
extern const struct schema_section schema_sasl;
extern const struct schema_section schema_directory;
extern const struct schema_section schema_lookup;
extern const struct schema_section schema_domain;
extern const struct schema_section schema_listener;
extern const struct schema_section schema_permit;
extern const struct schema_section schema_deny;
extern const struct schema_section schema_listener_permit;
extern const struct schema_section schema_listener_deny;
extern const struct schema_section schema_limits;
extern const struct schema_section schema_policy;
extern const struct schema_section schema_milter;
extern const struct schema_section schema_queue;
extern const struct schema_section schema_relay;
extern const struct schema_section schema_route;
extern const struct schema_section schema_filter;
extern const struct schema_section schema_log;

#endif
