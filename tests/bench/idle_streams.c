/* SPDX-License-Identifier: BSD-2-Clause */
/* What an idle TLS connection costs a front end: 1,000 server streams, clients in another process. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/digest.h"
#include "base/memory.h"
#include "io/sock.h"
#include "io/stream.h"

enum { STREAMS = 1000, HANDSHAKES_AT_ONCE = 16, BASE_FD_COUNT = 64 };

static struct loop *loop;
static struct stream *streams[STREAMS];
static int pairs[STREAMS][2];
static struct tls_client *client_tls; /* in the clients' process */
static int started;
static int secured;
static int heard;

static const struct stream_limits limits = {
	.input_max_bytes = 4096,
	.output_max_bytes = 65536,
	.output_high_bytes = 32768,
	.output_low_bytes = 8192,
	.handshake_ms = 60000,
};

static void start_next(void);

static void
on_input(struct stream *stream, void *context)
{
	stream_consume(stream, stream_peek(stream).length);
	(void)context;
	if (++heard == STREAMS)
		loop_stop(loop);
}

static void
on_secure(struct stream *stream, void *context)
{
	const char *word = context;

	stream_write(stream, span_text(word));
	if (client_tls)
		start_next();
	if (++secured == STREAMS && heard == STREAMS)
		loop_stop(loop);
}

static void
on_close(struct stream *stream, enum stream_end end, const struct fault *fault, void *context)
{
	(void)stream;
	(void)end;
	(void)context;
	fprintf(stderr, "a stream ended: %s\n", fault->text);
	exit(1);
}

static const struct stream_hooks hooks = {
	.on_input = on_input,
	.on_secure = on_secure,
	.on_close = on_close,
};

/* A certificate for this run alone. */
static struct tls_certificate *
make_certificate(void)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t crt_pem;
	gnutls_datum_t key_pem;
	struct tls_certificate *certificate;
	struct fault fault = FAULT_INIT;

	gnutls_x509_privkey_init(&key);
	gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
			GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	gnutls_x509_crt_init(&crt);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, "\1", 1);
	gnutls_x509_crt_set_activation_time(crt, time(NULL) - 60);
	gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 3600);
	gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, "bench.example", 13);
	gnutls_x509_crt_set_key(crt, key);
	gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &crt_pem);
	gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &key_pem);
	certificate = tls_certificate_load(span_of(crt_pem.data, crt_pem.size), &fault);
	if (!certificate || !tls_certificate_set_key(certificate,
					    span_of(key_pem.data, key_pem.size), &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		exit(1);
	}
	gnutls_free(crt_pem.data);
	gnutls_free(key_pem.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return certificate;
}

static size_t
resident_bytes(void)
{
	unsigned long total = 0;
	unsigned long resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%lu %lu", &total, &resident) != 2)
		exit(1);
	fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void
start_next(void)
{
	if (started == STREAMS)
		return;
	stream_start_client(streams[started++], client_tls, "bench.example", NULL);
}

/* Until the server has measured and kills us. */
static void
run_clients(void)
{
	const struct tls_client_settings settings = { .verify = TLS_VERIFY_NONE,
		.minimum = TLS_VERSION_1_2 };

	client_tls = tls_client_new(&settings, NULL);
	loop = loop_new();
	for (int i = 0; i < STREAMS; i++) {
		close(pairs[i][0]);
		streams[i] = stream_new(loop, pairs[i][1], &hooks, &limits, (void *)"EHLO bench\r\n");
	}
	for (int i = 0; i < HANDSHAKES_AT_ONCE; i++)
		start_next();
	for (;;)
		loop_run(loop);
}

static void
run_server(void)
{
	unsigned char ticket_key[TLS_TICKET_KEY_BYTES];
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2, .ticket_key = ticket_key };
	struct tls_certificate *certificate = make_certificate();
	struct tls_set *set = tls_set_new();
	struct tls_server *server;
	size_t before;
	size_t before_heap;

	digest_random(ticket_key, sizeof ticket_key);
	tls_set_add(set, certificate, NULL, 0, NULL);
	server = tls_server_new(&settings, set, NULL);
	loop = loop_new();
	for (int i = 0; i < STREAMS; i++)
		close(pairs[i][1]);
	before = resident_bytes();
	before_heap = mallinfo2().uordblks;
	for (int i = 0; i < STREAMS; i++) {
		streams[i] = stream_new(loop, pairs[i][0], &hooks, &limits, (void *)"220 bench\r\n");
		stream_start_server(streams[i], server, NULL, STREAM_WAITING_ATTACK, NULL);
	}
	loop_run(loop);
	printf("%d idle TLS streams (%s): resident %zu bytes each, heap in use %zu bytes each\n",
			STREAMS, tls_session_version(stream_tls(streams[0])),
			(resident_bytes() - before) / STREAMS,
			(mallinfo2().uordblks - before_heap) / STREAMS);
}

int
main(void)
{
	struct rlimit files;
	pid_t clients;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = 2 * STREAMS + BASE_FD_COUNT;
	if (files.rlim_cur > files.rlim_max || setrlimit(RLIMIT_NOFILE, &files) < 0) {
		fprintf(stderr, "needs %d fds\n", 2 * STREAMS + BASE_FD_COUNT);
		return 77;
	}
	for (int i = 0; i < STREAMS; i++) {
		if (!sock_pair(pairs[i], NULL))
			return 1;
	}
	clients = fork();
	if (clients < 0)
		return 1;
	if (clients == 0) {
		close(STDERR_FILENO);
		run_clients();
	}
	run_server();
	fflush(stdout);
	kill(clients, SIGKILL);
	waitpid(clients, NULL, 0);
	return 0;
}
