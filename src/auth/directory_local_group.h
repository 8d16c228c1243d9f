/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of the local directory: limits and grants that every member has. */
#ifndef AUTH_DIRECTORY_LOCAL_GROUP_H
#define AUTH_DIRECTORY_LOCAL_GROUP_H

#include "auth/directory_local.h"

enum { DIRECTORY_GROUP_NAME_MAX_BYTES = 255 };

/* In an arena. */
struct directory_local_group {
	const char *name;
	const char *limits;             /* "" for none */
	int64_t changed_ms;
	struct settings_texts send_as;
	struct settings_texts on_behalf;
};

/*
 * Faults as in directory_local.h; names are the same in any case of their letters. What is taken
 * from a group is taken from each of its members: their epochs rise, and each hears of every one.
 * Members of whom nothing is taken, but who have changed, are told with epoch 0.
 */
typedef void (*directory_member_fn)(void *context, const char *login, uint64_t epoch);

bool directory_local_add_group(struct directory_local *local, const char *name, const char *limits,
	struct fault *fault_out);
bool directory_local_delete_group(struct directory_local *local, const char *name,
	directory_member_fn each, void *context, struct fault *fault_out);
bool directory_local_set_group(struct directory_local *local, const char *name, const char *limits,
	directory_member_fn each, void *context, struct fault *fault_out);
/* list: DIRECTORY_SEND_AS or DIRECTORY_ON_BEHALF. */
bool directory_local_add_group_text(struct directory_local *local, const char *name,
	enum directory_list list, const char *text, directory_member_fn each, void *context,
	struct fault *fault_out);
bool directory_local_delete_group_text(struct directory_local *local, const char *name,
	enum directory_list list, const char *text, directory_member_fn each, void *context,
	struct fault *fault_out);

bool directory_local_join(struct directory_local *local, const char *login, const char *group,
	struct fault *fault_out);
bool directory_local_leave(struct directory_local *local, const char *login, const char *group,
	uint64_t *epoch_out, struct fault *fault_out);

/* Found and lists are in the arena. */
bool directory_local_find_group(struct directory_local *local, const char *name,
	struct arena *arena, struct directory_local_group *group_out, struct fault *fault_out);
/* Names in order, those after "after" ("" for the first), at most max of them. */
bool directory_local_groups(struct directory_local *local, const char *after, size_t max,
	struct arena *arena, struct settings_texts *names_out, struct fault *fault_out);
/* Logins in order, as above. */
bool directory_local_members(struct directory_local *local, const char *name, const char *after,
	size_t max, struct arena *arena, struct settings_texts *logins_out,
	struct fault *fault_out);

#endif
