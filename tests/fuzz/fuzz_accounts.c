/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Documents of accounts, imported over what is there: one that is refused, or only tried, leaves
 * every byte of the database; one that is taken is, exported, the same again, here and in an empty
 * database.
 */
#include "fuzz.h"

#include <ftw.h>

#include "auth/directory_local_db.h"
#include "auth/verbs.h"

static const struct settings_limits limits[] = {
	{ .title = "default", .where = "" },
	{ .title = "small", .where = "" },
};
static const struct settings settings = {
	.hostname = "mail.example.org",
	.sasl = { .realm = "", .iterations = SCRAM_ITERATIONS_MIN },
	.limits = { limits, 2 },
};

/* What each input is imported over. */
static const char there[] =
	"{\"version\":1,\"groups\":[{\"group\":\"support\",\"limits\":\"small\","
	"\"send_as\":[\"support@example.org\"],\"on_behalf\":[\"@example.org\"]}],"
	"\"accounts\":[{\"login\":\"alice\",\"password\":\"pencil\",\"limits\":\"small\","
	"\"addresses\":[\"alice@example.org\",\"ali@example.org\"],\"groups\":[\"support\"],"
	"\"send_as\":[\".example.net\"],\"protocols\":[\"smtp\"],\"expires_ms\":4000000000000},"
	"{\"login\":\"robot\",\"disabled\":true,\"app_only\":[\"smtp\"]}]}";

/* A database, and what it is set back to before each input. */
struct place {
	struct directory_local *local;
	sqlite3 *origin;
};

static struct place peopled;
static struct place empty;

/* ---- databases ------------------------------------------------------------------------------- */

static int
delete(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void
copy(sqlite3 *to, sqlite3 *from)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");

	FUZZ_CHECK(backup != NULL);
	FUZZ_CHECK(sqlite3_backup_step(backup, -1) == SQLITE_DONE);
	FUZZ_CHECK(sqlite3_backup_finish(backup) == SQLITE_OK);
}

/* Its folder goes at once: open files are all that is needed. */
static void
open_place(struct place *place)
{
	char folder[] = "/tmp/fuzz-accounts-XXXXXX";
	struct fault fault = FAULT_INIT;

	FUZZ_CHECK(mkdtemp(folder) != NULL);
	place->local = directory_local_open(folder, 0, &fault);
	FUZZ_CHECK(place->local != NULL);
	FUZZ_CHECK(db_execute(place->local->db,
		"PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF",
		&fault));
	FUZZ_CHECK(sqlite3_open(":memory:", &place->origin) == SQLITE_OK);
	copy(place->origin, place->local->db);
	nftw(folder, delete, 8, FTW_DEPTH | FTW_PHYS);
}

/* Every byte of it; to be freed with sqlite3_free(). */
static unsigned char *
snapshot(const struct place *place, sqlite3_int64 *size_out)
{
	unsigned char *bytes = sqlite3_serialize(place->local->db, "main", size_out, 0);

	FUZZ_CHECK(bytes != NULL);
	return bytes;
}

/* ---- verbs ----------------------------------------------------------------------------------- */

/* All pages of a list, joined. */
static json_t *
list(const struct place *place, const char *verb, const char *name)
{
	struct verb_call call = { .settings = &settings, .local = place->local,
		.args = json_pack("{s:b}", "secrets", 1) };
	struct fault fault = FAULT_INIT;
	json_t *all = json_array();

	do {
		FUZZ_CHECK(verbs_run(verb, &call, &fault));
		json_array_extend(all, json_object_get(call.data, name));
		verb_call_fini(&call);
	} while (call.page_after[0]);
	json_decref(call.args);
	return all;
}

static json_t *
export(const struct place *place)
{
	json_t *groups = list(place, "group list", "groups");
	json_t *group;
	size_t index;

	json_array_foreach(groups, index, group)
		json_object_del(group, "changed_ms");
	return json_pack("{s:i, s:o, s:o}", "version", 1, "groups", groups, "accounts",
		list(place, "account export", "accounts"));
}

struct outcome {
	bool done;
	size_t told;
	json_int_t added;
	json_int_t changed;
	json_int_t unchanged;
};

static struct outcome
import(const struct place *place, json_t *document, bool replace, bool dry)
{
	struct verb_call call = { .settings = &settings, .local = place->local,
		.args = json_pack("{s:O, s:b, s:b}", "document", document, "replace", replace,
			"dry_run", dry) };
	struct fault fault = FAULT_INIT;
	struct outcome outcome = { .done = verbs_run("account import", &call, &fault) };

	FUZZ_CHECK(outcome.done || (fault.text[0] && fault.kind != FAULT_SYSTEM));
	outcome.added = json_integer_value(json_object_get(call.data, "added"));
	outcome.changed = json_integer_value(json_object_get(call.data, "changed"));
	outcome.unchanged = json_integer_value(json_object_get(call.data, "unchanged"));
	for (struct verb_change *member = call.members; member; member = member->next)
		outcome.told++;
	verb_call_fini(&call);
	json_decref(call.args);
	return outcome;
}

/* Tried, or refused: as if it had not been. */
static struct outcome
import_in_vain(const struct place *place, json_t *document, bool replace, bool dry)
{
	sqlite3_int64 sizes[2];
	unsigned char *before = snapshot(place, &sizes[0]);
	struct outcome outcome = import(place, document, replace, dry);
	unsigned char *after = snapshot(place, &sizes[1]);

	FUZZ_CHECK(dry || !outcome.done);
	FUZZ_CHECK(outcome.told == 0);
	FUZZ_CHECK(sizes[0] == sizes[1] && memcmp(before, after, (size_t)sizes[0]) == 0);
	sqlite3_free(before);
	sqlite3_free(after);
	return outcome;
}

/* ---- the rules ------------------------------------------------------------------------------- */

/* What came of it says the same of itself, and makes the same elsewhere. */
static void
check_export(void)
{
	json_t *first = export(&peopled);
	size_t count = json_array_size(json_object_get(first, "groups")) +
		json_array_size(json_object_get(first, "accounts"));
	struct outcome outcome = import(&peopled, first, false, false);
	json_t *second;

	FUZZ_CHECK(outcome.done && outcome.told == 0);
	FUZZ_CHECK(outcome.added == 0 && outcome.changed == 0);
	FUZZ_CHECK((size_t)outcome.unchanged == count);
	outcome = import(&empty, first, false, false);
	FUZZ_CHECK(outcome.done && (size_t)outcome.added == count);
	FUZZ_CHECK(outcome.changed == 0 && outcome.unchanged == 0);
	second = export(&empty);
	FUZZ_CHECK(json_equal(first, second));
	json_decref(first);
	json_decref(second);
}

static void
check_document(json_t *document, bool replace)
{
	struct outcome tried;
	struct outcome done;

	copy(peopled.local->db, peopled.origin);
	copy(empty.local->db, empty.origin);
	tried = import_in_vain(&peopled, document, replace, true);
	if (!tried.done) {
		import_in_vain(&peopled, document, replace, false);
		return;
	}
	done = import(&peopled, document, replace, false);
	FUZZ_CHECK(done.done && done.added == tried.added && done.changed == tried.changed);
	FUZZ_CHECK(done.unchanged == tried.unchanged && (replace || done.changed == 0));
	check_export();
	/* Once more it has nothing to do. */
	done = import(&peopled, document, false, false);
	FUZZ_CHECK(done.done && done.added == 0 && done.changed == 0 && done.told == 0);
}

static void
open_places(void)
{
	json_t *document = json_loads(there, 0, NULL);

	open_place(&empty);
	open_place(&peopled);
	FUZZ_CHECK(import(&peopled, document, false, false).added == 3);
	copy(peopled.origin, peopled.local->db);
	json_decref(document);
}

/* The first byte says whether what is there may be replaced; the rest is the document. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	bool replace = fuzz_take(&in) & 1;
	json_t *document = json_loadb(in.start, in.length, JSON_REJECT_DUPLICATES, NULL);

	if (!document)
		return 0;
	if (!peopled.local)
		open_places();
	check_document(document, replace);
	json_decref(document);
	return 0;
}
