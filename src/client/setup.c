/* SPDX-License-Identifier: BSD-2-Clause */
/* From settings and the files that super passed to listeners that can serve. */
#include "client/setup.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/signer.h"
#include "io/sock.h"
#include "proc/role.h"

enum {
	INPUT_MAX_BYTES = 64 * 1024,
	TRUST_MAX_BYTES = 1024 * 1024, /* of a client-trust-file */
	OUTPUT_MAX_BYTES = 512 * 1024,
	OUTPUT_HIGH_BYTES = 32 * 1024,
	OUTPUT_LOW_BYTES = 8 * 1024,
	EARLY_READ_BYTES = 16 * 1024, /* of who has not logged in, at a time: a record */
};

/* What is needed while a setup is being made. */
struct maker {
	struct role_context *role;
	struct signer *signer;
	struct setup *setup;
	struct tls_certificate *
		*certificates; /* by tls section, then by file; NULL: not loaded yet */
	size_t *first;	       /* where the files of a section begin */
	struct fault *fault;
};

static uint64_t
larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- certificates ---------------------------------------------------------------------------- */

static bool
read_whole(int fd, struct buf *out, struct fault *fault)
{
	for (;;) {
		char *to = buf_reserve(out, 4096);
		ssize_t got;

		if (!to)
			return fault_set(
				fault, FAULT_LIMIT, "longer than %zu bytes", out->cap);
		got = pread(fd, to, 4096, (off_t)buf_length(out));
		if (got < 0)
			return fault_set_errno(fault, "read");
		if (got == 0)
			return true;
		buf_claim(out, (size_t)got);
	}
}

static void
note_expiry(struct maker *maker, const struct settings_tls *tls, unsigned index,
	const struct tls_certificate *certificate)
{
	struct setup *setup = maker->setup;

	setup->expiries =
		mem_grow_array(setup->expiries, setup->expiry_count + 1, sizeof *setup->expiries);
	setup->expiries[setup->expiry_count++] = (struct setup_expiry){ .tls = tls,
		.file = index,
		.expires_s = tls_certificate_facts(certificate)->expires_s };
}

void
setup_warn(const struct setup *setup, int64_t now_s)
{
	for (size_t i = 0; i < setup->expiry_count; i++) {
		const struct setup_expiry *expiry = &setup->expiries[i];
		int64_t left_s = expiry->expires_s - now_s;

		if (left_s * 1000 < (int64_t)expiry->tls->expiry_warning)
			log_event(EV_CLIENT_CERTIFICATE_EXPIRES, kv_str("tls", expiry->tls->title),
				kv_str("file", expiry->tls->certificate.items[expiry->file]),
				kv_int("days", left_s / 86400));
	}
}

static struct tls_certificate *
load_certificate(struct maker *maker, const struct settings_tls *tls, unsigned index)
{
	struct buf pem = BUF_INIT(TLS_CHAIN_MAX_BYTES);
	struct tls_certificate *certificate = NULL;
	int fd = role_take_file(maker->role, FILE_CERTIFICATE, tls->title, index);

	if (fd < 0)
		fault_set(maker->fault, FAULT_MISSING, "no such file was passed");
	else if (read_whole(fd, &pem, maker->fault))
		certificate = tls_certificate_load(buf_span(&pem), maker->fault);
	if (certificate &&
		!tls_certificate_check(certificate, clock_wall_ms() / 1000, maker->fault))
		tls_certificate_free(&certificate);
	if (certificate) {
		signer_attach(maker->signer, certificate);
		note_expiry(maker, tls, index, certificate);
	} else {
		fault_add(maker->fault, "%s: certificate %s", tls->where,
			tls->certificate.items[index]);
	}
	sock_close(&fd);
	buf_fini(&pem);
	return certificate;
}

/* Each file is there once, whoever uses it. */
static struct tls_certificate *
find_certificate(struct maker *maker, const struct settings_tls *tls, unsigned index)
{
	size_t section = (size_t)(tls - maker->setup->settings->tls.items);
	struct tls_certificate **place = &maker->certificates[maker->first[section] + index];

	if (!*place)
		*place = load_certificate(maker, tls, index);
	return *place;
}

static bool
add_section(struct maker *maker, struct tls_set *set, const struct settings_tls *tls)
{
	for (unsigned i = 0; i < tls->certificate.count; i++) {
		struct tls_certificate *certificate = find_certificate(maker, tls, i);

		if (!certificate)
			return false;
		if (!tls_set_add(
			    set, certificate, tls->names.items, tls->names.count, maker->fault))
			return fault_add(maker->fault, "%s", tls->where);
	}
	return true;
}

static struct tls_set *
make_set(struct maker *maker, const struct settings_listener *listener)
{
	const struct settings *settings = maker->setup->settings;
	struct tls_set *set = tls_set_new();
	bool good = true;

	if (listener->certificates.count == 0)
		for (size_t i = 0; i < settings->tls.count && good; i++)
			good = add_section(maker, set, &settings->tls.items[i]);
	for (size_t i = 0; i < listener->certificates.count && good; i++)
		good = add_section(
			maker, set, settings_find_tls(settings, listener->certificates.items[i]));
	if (!good)
		tls_set_free(&set);
	return set;
}

/* ---- listeners ------------------------------------------------------------------------------- */

/* RFC 7301: who offers ALPN means one of these, or has come to the wrong door. */
static const char *const protocol_names[][2] = { [LISTENER_SMTP] = { "smtp", "esmtp" },
	[LISTENER_IMAP] = { "imap", NULL },
	[LISTENER_POP3] = { "pop3", NULL } };

static const enum tls_version minimums[] = { [LISTENER_TLS_1_0] = TLS_VERSION_1_0,
	[LISTENER_TLS_1_1] = TLS_VERSION_1_1,
	[LISTENER_TLS_1_2] = TLS_VERSION_1_2,
	[LISTENER_TLS_1_3] = TLS_VERSION_1_3 };

static void
warn_of_old_tls(const struct settings_listener *listener)
{
	if (minimums[listener->tls_minimum] < TLS_VERSION_1_2)
		log_event(EV_CLIENT_TLS_OLD, kv_str("listener", listener->title),
			kv_str("where", listener->where),
			kv_str("minimum", listener->tls_minimum == LISTENER_TLS_1_0 ? "1.0" : "1.1"));
}

/* Who may have signed the clients' certificates. */
static bool
read_trust(struct maker *maker, const struct settings_listener *listener, struct buf *to)
{
	char *name = mem_printf("listener:%s", listener->title);
	int fd = role_take_file(maker->role, FILE_TRUST, name, 0);
	bool good = fd >= 0 ? read_whole(fd, to, maker->fault)
			    : fault_set(maker->fault, FAULT_MISSING, "no such file was passed");

	if (!good)
		fault_add(maker->fault, "client-trust-file");
	else if (buf_length(to) == 0)
		good = fault_set(maker->fault, FAULT_CONFIG, "client-trust-file: it is empty");
	sock_close(&fd);
	mem_free(&name);
	return good;
}

static struct tls_server *
make_server(struct maker *maker, const struct settings_listener *listener)
{
	const char *const *alpn = protocol_names[listener->protocol];
	struct span key = role_secret(maker->role, SECRET_TICKET_KEY, listener->title);
	struct tls_settings settings = { .minimum = minimums[listener->tls_minimum],
		.ask_certificate = listener->client_certificate != CLIENT_CERTIFICATE_OFF,
		.require_certificate = listener->client_certificate == CLIENT_CERTIFICATE_REQUIRE,
		.alpn = alpn,
		.alpn_count = alpn[1] ? 2 : 1 };
	struct buf trust = BUF_INIT(TRUST_MAX_BYTES);
	struct tls_set *set = make_set(maker, listener);
	struct tls_server *server = NULL;

	if (!set)
		return NULL;
	if (listener->tls_priority[0])
		settings.priority = listener->tls_priority;
	if (listener->tls_ticket_life && key.length == TLS_TICKET_KEY_BYTES) {
		settings.ticket_key = (const unsigned char *)key.start;
		settings.ticket_life_s = (unsigned)larger(1, listener->tls_ticket_life / 1000);
	}
	if (!settings.ask_certificate || read_trust(maker, listener, &trust)) {
		settings.trust_pem = buf_span(&trust);
		server = tls_server_new(&settings, set, maker->fault);
	}
	if (!server)
		fault_add(maker->fault, "%s", listener->where);
	else
		warn_of_old_tls(listener);
	tls_set_free(&set);
	buf_fini(&trust);
	return server;
}

static bool
make_listener(struct maker *maker, const struct settings_listener *settings, struct listener *to)
{
	const struct settings_sasl *sasl = &maker->setup->settings->sasl;

	to->settings = settings;
	to->stream = (struct stream_limits){
		.input_max_bytes = larger(INPUT_MAX_BYTES,
			larger(settings->auth_line_max, settings->command_line_max)),
		.output_max_bytes = OUTPUT_MAX_BYTES,
		.output_high_bytes = OUTPUT_HIGH_BYTES,
		.output_low_bytes = OUTPUT_LOW_BYTES,
		.handshake_ms = settings->handshake_wait
	};
	to->stream_early = to->stream;
	to->stream_early.input_read_bytes = EARLY_READ_BYTES;
	to->gate = (struct gate_limits){ .connections = settings->connections,
		.connections_early = settings->connections_before_login,
		.connections_per_address = settings->connections_per_address,
		.failures_per_address = sasl->failures_per_address,
		.failure_window_ms = sasl->failure_window };
	if (settings->tls == LISTENER_TLS_NONE)
		return true;
	to->tls = make_server(maker, settings);
	return to->tls != NULL;
}

static bool
make_listeners(struct maker *maker, unsigned protocols)
{
	const struct settings *settings = maker->setup->settings;
	struct setup *setup = maker->setup;

	setup->listeners = mem_alloc_array(settings->listener.count, sizeof *setup->listeners);
	for (size_t i = 0; i < settings->listener.count; i++) {
		const struct settings_listener *listener = &settings->listener.items[i];

		if (!(protocols & 1u << listener->protocol))
			continue;
		if (!make_listener(maker, listener, &setup->listeners[setup->count++]))
			return false;
	}
	return true;
}

struct setup *
setup_new(struct role_context *role, const struct settings *settings, unsigned protocols,
	struct signer *signer, struct fault *fault_out)
{
	struct setup *setup = mem_alloc(sizeof *setup);
	struct maker maker = { .role = role, .signer = signer, .setup = setup, .fault = fault_out };
	size_t files = 0;

	setup->settings = settings_hold(settings);
	maker.first = mem_alloc_array(settings->tls.count, sizeof *maker.first);
	for (size_t i = 0; i < settings->tls.count; i++) {
		maker.first[i] = files;
		files += settings->tls.items[i].certificate.count;
	}
	maker.certificates = mem_alloc_array(files, sizeof(struct tls_certificate *));
	if (!make_listeners(&maker, protocols))
		setup_free(&setup);
	for (size_t i = 0; i < files; i++)
		tls_certificate_free(&maker.certificates[i]);
	mem_free(&maker.certificates);
	mem_free(&maker.first);
	return setup;
}

struct setup *
setup_hold(struct setup *setup)
{
	setup->holds++;
	return setup;
}

void
setup_free(struct setup **setup)
{
	struct setup *old = *setup;

	*setup = NULL;
	if (!old || old->holds-- > 0)
		return;
	for (size_t i = 0; i < old->count; i++)
		tls_server_free(&old->listeners[i].tls);
	mem_free(&old->listeners);
	mem_free(&old->expiries);
	settings_free(&old->settings);
	mem_free(&old);
}

const struct listener *
setup_find(const struct setup *setup, const char *title)
{
	for (size_t i = 0; i < setup->count; i++)
		if (strcmp(setup->listeners[i].settings->title, title) == 0)
			return &setup->listeners[i];
	return NULL;
}
