/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about groups: made, changed, shown. */
#include <string.h>

#include "auth/directory_local_group.h"
#include "auth/verbs.h"

enum { PAGE_GROUPS = 20, PAGE_MEMBERS = 500 };

/* ---- changes --------------------------------------------------------------------------------- */

static bool
run_add(struct verb_call *call, struct fault *fault_out)
{
	json_t *value = json_object_get(call->args, "limits");
	const char *limits = "";
	const char *name;

	if (!verbs_take_group(call, &name, fault_out) ||
		(value && !verbs_take_limits(call, value, &limits, fault_out)) ||
		!directory_local_add_group(call->local, name, limits, fault_out))
		return false;
	strcpy(call->group, name);
	return true;
}

static bool
run_set(struct verb_call *call, struct fault *fault_out)
{
	const char *limits;
	const char *name;

	if (!verbs_take_group(call, &name, fault_out) ||
		!verbs_take_limits(call, json_object_get(call->args, "limits"), &limits,
			fault_out) ||
		!directory_local_set_group(call->local, name, limits, verbs_add_member, call,
			fault_out))
		return false;
	strcpy(call->group, name);
	return true;
}

static bool
run_delete(struct verb_call *call, struct fault *fault_out)
{
	const char *name;

	if (!verbs_take_group(call, &name, fault_out) ||
		!directory_local_delete_group(call->local, name, verbs_add_member, call, fault_out))
		return false;
	strcpy(call->group, name);
	return true;
}

/* ---- what is there --------------------------------------------------------------------------- */

static json_t *
json_of_group(struct verb_call *call, const char *name, struct fault *fault_out)
{
	struct arena *arena = arena_new(0);
	struct directory_local_group group;
	json_t *data = NULL;

	if (directory_local_find_group(call->local, name, arena, &group, fault_out)) {
		data = json_pack("{s:s, s:s, s:I}", "group", group.name, "limits", group.limits,
			"changed_ms", (json_int_t)group.changed_ms);
		json_object_set_new(data, "send_as", verbs_json_texts(&group.send_as));
		json_object_set_new(data, "on_behalf", verbs_json_texts(&group.on_behalf));
	}
	arena_free(&arena);
	return data;
}

static bool
run_show(struct verb_call *call, struct fault *fault_out)
{
	const char *name;

	if (!verbs_take_group(call, &name, fault_out))
		return false;
	call->data = json_of_group(call, name, fault_out);
	return call->data;
}

/* The next page begins behind the last name of a full one. */
static void
turn_page(struct verb_call *call, const struct settings_texts *names, size_t full)
{
	call->page_after[0] = '\0';
	if (names->count == full)
		strcpy(call->page_after, names->items[full - 1]);
}

static bool
run_list(struct verb_call *call, struct fault *fault_out)
{
	struct arena *arena = arena_new(0);
	json_t *list = json_array();
	struct settings_texts names;
	bool done = directory_local_groups(call->local, call->page_after, PAGE_GROUPS, arena, &names,
		fault_out);

	for (size_t i = 0; done && i < names.count; i++) {
		json_t *group = json_of_group(call, names.items[i], fault_out);

		done = group && json_array_append_new(list, group) == 0;
	}
	if (done) {
		turn_page(call, &names, PAGE_GROUPS);
		call->data = json_pack("{s:O}", "groups", list);
	}
	json_decref(list);
	arena_free(&arena);
	return done;
}

static bool
run_members(struct verb_call *call, struct fault *fault_out)
{
	struct directory_local_group group;
	struct arena *arena = arena_new(0);
	struct settings_texts logins;
	const char *name;
	json_t *list;
	bool done = verbs_take_group(call, &name, fault_out) &&
		directory_local_find_group(call->local, name, arena, &group, fault_out) &&
		directory_local_members(call->local, name, call->page_after, PAGE_MEMBERS, arena,
			&logins, fault_out);

	if (done) {
		list = json_array();
		for (size_t i = 0; i < logins.count; i++)
			json_array_append_new(list, json_pack("{s:s}", "login", logins.items[i]));
		turn_page(call, &logins, PAGE_MEMBERS);
		call->data = json_pack("{s:o}", "members", list);
	}
	arena_free(&arena);
	return done;
}

const struct verb verbs_group[] = {
	{ "group add", run_add },
	{ "group set", run_set },
	{ "group delete", run_delete },
	{ "group show", run_show },
	{ "group list", run_list },
	{ "group members", run_members },
	{ NULL, NULL },
};
