/* SPDX-License-Identifier: BSD-2-Clause */
/* The one door to Cyrus SASL. */
#include "auth/mech.h"

#include <dlfcn.h>
#include <libgen.h>
#include <pthread.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/memory.h"

enum {
	BINDING_MAX_BYTES = 128,
	REASON_MAX_BYTES = 256,
};

/* Nothing is there, and nothing can be put there. */
static char nowhere[] = "/dev/null";

struct mech {
	sasl_conn_t *conn;
	char *mechanism;
	bool started;
	bool done;
	char stored[SCRAM_TEXT_SIZE]; /* "" without keys */
	sasl_channel_binding_t binding; /* the library keeps the pointers */
	char binding_name[32];
	unsigned char binding_data[BINDING_MAX_BYTES];
	sasl_callback_t callbacks[2];
	char login[256];
	char reason[REASON_MAX_BYTES];
};

/* Whose step this thread is in: what the library asks for keys has no other way to know. */
static _Thread_local struct mech *stepping;

/* ---- what the library asks the process ------------------------------------------------------- */

static char *keytab;

static int
on_option(void *context, const char *plugin, const char *option, const char **value_out,
	unsigned *length_out)
{
	static const struct {
		const char *name;
		const char *value;
	} options[] = {
		{ "auxprop_plugin", "sallyport" },
		{ "pwcheck_method", "none" },
		{ "mech_list", "SCRAM-SHA-256 SCRAM-SHA-1 GSSAPI" },
		{ "log_level", "3" },
	};
	const char *value = NULL;

	(void)context;
	(void)plugin;
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		if (strcmp(option, options[i].name) == 0)
			value = options[i].value;
	}
	if (strcmp(option, "keytab") == 0)
		value = keytab;
	if (!value)
		return SASL_FAIL;
	*value_out = value;
	if (length_out)
		*length_out = (unsigned)strlen(value);
	return SASL_OK;
}

static int
on_plugin_path(void *context, const char **path_out)
{
	(void)context;
	*path_out = nowhere;
	return SASL_OK;
}

static int
on_config_path(void *context, char **path_out)
{
	(void)context;
	*path_out = nowhere; /* the library only reads it */
	return SASL_OK;
}

/* The library's log would go to syslog; what an exchange says is kept for our own log. */
static int
on_log(void *context, int level, const char *text)
{
	struct mech *mech = context;

	if (mech && text && level <= SASL_LOG_WARN)
		text_escape(span_text(text), mech->reason, sizeof mech->reason);
	return SASL_OK;
}

typedef int sasl_fn(void);

static const sasl_callback_t process_callbacks[] = {
	{ SASL_CB_GETOPT, (sasl_fn *)(void *)on_option, NULL },
	{ SASL_CB_LOG, (sasl_fn *)(void *)on_log, NULL },
	{ SASL_CB_GETPATH, (sasl_fn *)(void *)on_plugin_path, NULL },
	{ SASL_CB_GETCONFPATH, (sasl_fn *)(void *)on_config_path, NULL },
	{ SASL_CB_LIST_END, NULL, NULL },
};

/* Keys of the exchange under way, for whatever name: who may use them was decided before. */
static int
on_lookup(void *glob_context, sasl_server_params_t *params, unsigned flags, const char *user,
	unsigned length)
{
	const struct propval *values;

	(void)glob_context;
	(void)user;
	(void)length;
	if (flags & SASL_AUXPROP_AUTHZID || !stepping || !stepping->stored[0])
		return SASL_OK;
	values = params->utils->prop_get(params->propctx);
	for (; values && values->name; values++) {
		if (strcasecmp(values->name, "*authPassword") == 0)
			params->utils->prop_set(params->propctx, values->name, stepping->stored, 0);
	}
	return SASL_OK;
}

static char lookup_name[] = "sallyport";

static sasl_auxprop_plug_t lookup_plugin = {
	.auxprop_lookup = on_lookup,
	.name = lookup_name,
};

static int
on_lookup_init(const sasl_utils_t *utils, int max_version, int *version_out,
	sasl_auxprop_plug_t **plugin_out, const char *name)
{
	(void)utils;
	(void)name;
	if (max_version < SASL_AUXPROP_PLUG_VERSION)
		return SASL_BADVERS;
	*version_out = SASL_AUXPROP_PLUG_VERSION;
	*plugin_out = &lookup_plugin;
	return SASL_OK;
}

/* ---- start ----------------------------------------------------------------------------------- */

/* The library's own mutexes do nothing at all. */
static void *
mutex_new(void)
{
	pthread_mutex_t *mutex = mem_alloc(sizeof *mutex);

	pthread_mutex_init(mutex, NULL);
	return mutex;
}

static int
mutex_lock(void *mutex)
{
	return pthread_mutex_lock(mutex) == 0 ? SASL_OK : SASL_FAIL;
}

static int
mutex_unlock(void *mutex)
{
	return pthread_mutex_unlock(mutex) == 0 ? SASL_OK : SASL_FAIL;
}

static void
mutex_free(void *mutex)
{
	pthread_mutex_destroy(mutex);
	mem_free(&mutex);
}

/* Distributions put "sasl2" with the modules beside the library. */
static char *
find_plugin_dir(void)
{
	Dl_info info;
	char *library;
	char *found;

	if (!dladdr((void *)sasl_server_new, &info) || !info.dli_fname)
		return mem_strdup("/usr/lib/sasl2");
	library = mem_strdup(info.dli_fname);
	found = mem_printf("%s/sasl2", dirname(library));
	mem_free(&library);
	return found;
}

/* As the library would, but this one file alone. */
static bool
load_plugin(const char *directory, const char *name, struct fault *fault_out)
{
	char *path = mem_printf("%s/lib%s.so", directory, name);
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	sasl_server_plug_init_t *init = NULL;
	bool loaded = false;

	if (module)
		init = (sasl_server_plug_init_t *)dlsym(module, "sasl_server_plug_init");
	if (!init)
		fault_set(fault_out, FAULT_MISSING, "SASL module %s: %s", path, dlerror());
	else if (sasl_server_add_plugin(name, init) != SASL_OK)
		fault_set(fault_out, FAULT_SYSTEM, "SASL module %s cannot be used", path);
	else
		loaded = true;
	mem_free(&path);
	return loaded; /* the module stays loaded as long as the process */
}

static bool gssapi_found;

static void
look_for_gssapi(const char *directory)
{
	char *path = mem_printf("%s/libgssapiv2.so", directory);

	gssapi_found = access(path, R_OK) == 0;
	mem_free(&path);
}

bool
mech_may_load_gssapi(struct fault *fault_out)
{
	return gssapi_found ||
		fault_set(fault_out, FAULT_MISSING,
			"GSSAPI is offered, but the SASL module for it is not installed");
}

static bool
load_plugins(const struct mech_rule *rule, struct fault *fault_out)
{
	char *directory = rule->plugin_dir[0] ? mem_strdup(rule->plugin_dir) : find_plugin_dir();
	bool loaded = (!rule->scram || load_plugin(directory, "scram", fault_out)) &&
		(!rule->gssapi || load_plugin(directory, "gssapiv2", fault_out));

	look_for_gssapi(directory);
	mem_free(&directory);
	return loaded;
}

bool
mech_start(const struct mech_rule *rule, struct fault *fault_out)
{
	/*
	 * A replay of the first GSSAPI token is worth nothing: the second message is wrapped with a
	 * session key that only the client and the KDC know. So no cache file is needed for it.
	 */
	setenv("KRB5RCACHENAME", "none:", 1);
	mem_free(&keytab);
	keytab = mem_strdup(rule->gssapi ? rule->keytab : NULL);
	sasl_set_mutex(mutex_new, mutex_lock, mutex_unlock, mutex_free);
	if (sasl_server_init(process_callbacks, "sallyport") != SASL_OK ||
		sasl_auxprop_add_plugin("sallyport", on_lookup_init) != SASL_OK)
		return fault_set(fault_out, FAULT_SYSTEM, "Cyrus SASL cannot be started");
	return load_plugins(rule, fault_out);
}

void
mech_stop(void)
{
	sasl_server_done();
	mem_free(&keytab);
}

/* ---- one exchange ---------------------------------------------------------------------------- */

struct mech *
mech_new(const char *mechanism, const char *service, const char *host)
{
	/* No layer of SASL's own: TLS is outside. */
	sasl_security_properties_t properties = { .security_flags = SASL_SEC_NOANONYMOUS };
	struct mech *mech = mem_alloc(sizeof *mech);

	mech->mechanism = mem_strdup(mechanism);
	mech->callbacks[0] = (sasl_callback_t){ SASL_CB_LOG, (sasl_fn *)(void *)on_log, mech };
	mech->callbacks[1] = (sasl_callback_t){ SASL_CB_LIST_END, NULL, NULL };
	/* No realm: names then come back as they are, and the library looks nothing up by itself. */
	if (sasl_server_new(service, host, NULL, NULL, NULL, mech->callbacks, 0, &mech->conn) !=
		SASL_OK)
		mech->conn = NULL; /* each step is then a fault */
	else
		sasl_setprop(mech->conn, SASL_SEC_PROPS, &properties);
	return mech;
}

void
mech_free(struct mech **mech)
{
	if (!*mech)
		return;
	sasl_dispose(&(*mech)->conn);
	mem_free(&(*mech)->mechanism);
	mem_wipe(*mech, sizeof **mech);
	mem_free(mech);
}

void
mech_set_keys(struct mech *mech, const struct scram_keys *keys)
{
	scram_keys_format(keys, mech->stored);
}

void
mech_set_binding(struct mech *mech, const char *name, struct span data)
{
	size_t length = data.length < BINDING_MAX_BYTES ? data.length : BINDING_MAX_BYTES;

	memcpy(mech->binding_data, data.start, length);
	strncpy(mech->binding_name, name, sizeof mech->binding_name - 1);
	mech->binding.name = mech->binding_name;
	mech->binding.data = mech->binding_data;
	mech->binding.len = length;
	if (mech->conn)
		sasl_setprop(mech->conn, SASL_CHANNEL_BINDING, &mech->binding);
}

/* The name may be read after a success alone: the library has one even after a failure. */
static enum mech_result
finish(struct mech *mech)
{
	const void *layer = NULL;
	const void *login = NULL;

	mech->done = true;
	if (sasl_getprop(mech->conn, SASL_SSF, &layer) == SASL_OK && layer &&
		*(const sasl_ssf_t *)layer != 0) {
		strcpy(mech->reason, "the client wants a security layer of SASL");
		return MECH_REFUSED;
	}
	if (sasl_getprop(mech->conn, SASL_USERNAME, &login) != SASL_OK || !login ||
		strlen(login) >= sizeof mech->login)
		return MECH_REFUSED;
	strcpy(mech->login, login);
	return MECH_DONE;
}

static enum mech_result
result_of(struct mech *mech, int code)
{
	if (!mech->reason[0])
		text_escape(span_text(sasl_errdetail(mech->conn)), mech->reason,
			sizeof mech->reason);
	mech->done = true;
	switch (code) {
	case SASL_BADAUTH:
	case SASL_NOUSER:
	case SASL_NOAUTHZ:
	case SASL_DISABLED:
	case SASL_EXPIRED:
	case SASL_BADBINDING:
	case SASL_NOVERIFY:
		return MECH_REFUSED;
	case SASL_BADPROT:
	case SASL_BADPARAM:
		return MECH_MALFORMED;
	case SASL_NOMECH:
	case SASL_TOOWEAK:
	case SASL_ENCRYPT:
		return MECH_UNKNOWN;
	default:
		return MECH_FAULT;
	}
}

enum mech_result
mech_step(struct mech *mech, const struct span *response, struct buf *challenge_out)
{
	const char *bytes = response ? (response->start ? response->start : "") : NULL;
	unsigned length = response ? (unsigned)response->length : 0;
	const char *challenge = NULL;
	unsigned challenge_length = 0;
	int code;

	if (!mech->conn || mech->done)
		return MECH_FAULT;
	stepping = mech;
	if (mech->started)
		code = sasl_server_step(mech->conn, bytes, length, &challenge, &challenge_length);
	else
		code = sasl_server_start(mech->conn, mech->mechanism, bytes, length, &challenge,
			&challenge_length);
	stepping = NULL;
	mech->started = true;
	if (code == SASL_OK)
		return finish(mech);
	if (code != SASL_CONTINUE)
		return result_of(mech, code);
	if (challenge_length && !buf_add(challenge_out, challenge, challenge_length))
		return MECH_FAULT;
	return MECH_CONTINUE;
}

const char *
mech_login(const struct mech *mech)
{
	return mech->login;
}

const char *
mech_reason(const struct mech *mech)
{
	return mech->reason;
}
