/* SPDX-License-Identifier: BSD-2-Clause */
/* What a login costs the auth role: a front end asks it as fast as it answers. Prints, asserts nothing. */
#include <ftw.h>
#include <nettle/hmac.h>
#include <nettle/pbkdf2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/auth.h"
#include "base/clock.h"
#include "io/sock.h"
#include "ipc/message_login.h"
#include "wire/base64.h"

#define GRANT_KEY SPAN_LITERAL("0123456789abcdef0123456789abcdef")
#define SALT "a salt of sixteen"

enum {
	ITERATIONS = 10000,   /* the default of sasl.iterations */
	ACCOUNTS = 200,
	AT_ONCE = 32,
	RUN_MS = 3000,
	TEXT_SIZE = 1024,
};

enum kind {
	CACHED,
	UNCACHED,
	SCRAM,
};

/* One login that is always under way. */
struct client {
	struct bench *bench;
	uint32_t request;
	unsigned number;
	char session[16];
	char bare[128];       /* SCRAM: what the client said first */
};

struct bench {
	struct loop *loop;
	struct channel *auth;
	enum kind kind;
	unsigned char salted[32]; /* one salt for all accounts here: derived once */
	struct client clients[AT_ONCE];
	uint64_t done;
	uint64_t failed;
	unsigned next;
	bool over;
	unsigned busy;
};

static const char *const mechanisms[] = { "PLAIN", "SCRAM-SHA-256" };
static struct settings_listener listener = { .title = "submission", .where = "", .limits = "",
	.login = LOGIN_SECURE };
static struct settings_limits limits = { .title = "default", .where = "" };

static struct settings
make_settings(const char *state_dir, enum kind kind)
{
	return (struct settings){
		.file = "",
		.hostname = "mail.example.org",
		.state_dir = state_dir,
		.listener = { &listener, 1 },
		.limits = { &limits, 1 },
		.sasl = {
			.mechanisms = { mechanisms, 2 },
			.realm = "", .service_host = "", .keytab = "",
			.iterations = ITERATIONS,
			.exchange_wait = 60000,
			.answer_wait = 10000,
			.cache_life = kind == UNCACHED ? 0 : 300000,
			.workers = 2,
			.failure_delay = 1000, .failures_per_address = 30,
			.failures_per_login = 10, .failure_window = 600000,
		},
	};
}

static void
make_accounts(const char *state_dir)
{
	struct directory_local_settings usual = { .protocols = 7, .limits = "" };
	struct fault fault = FAULT_INIT;
	struct directory_local *local = directory_local_open(state_dir, 0, &fault);
	struct scram_keys keys[SCRAM_HASH_COUNT];
	char login[32];

	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++)
		scram_keys_derive(&keys[i], (enum scram_hash)i, ITERATIONS, span_text(SALT),
			span_text("secret"));
	for (int i = 0; i < ACCOUNTS; i++) {
		snprintf(login, sizeof login, "user%d", i);
		if (!directory_local_add(local, login, &usual, keys, &fault))
			exit(1);
	}
	directory_local_close(&local);
}

static void __attribute__((noreturn))
serve(const char *state_dir, enum kind kind, int fd)
{
	struct settings settings = make_settings(state_dir, kind);
	struct fault fault = FAULT_INIT;
	struct loop *loop = loop_new();
	struct auth *auth = auth_open(loop, &settings, "", GRANT_KEY, &fault);

	if (!auth) {
		fprintf(stderr, "%s\n", fault.text);
		_exit(1);
	}
	auth_add_link(auth, ROLE_SMTP, 0, fd);
	loop_run(loop);
	_exit(0);
}

/* ---- the front end --------------------------------------------------------------------------- */

static void begin(struct client *client);

static void
send_step(struct client *client, struct span response)
{
	struct message_login_step step = { .exchange = client->request, .response = response };
	struct buf content = BUF_INIT(0);

	message_login_step_pack(&content, &step);
	channel_send(client->bench->auth, MSG_LOGIN_STEP, &content, -1);
	buf_fini(&content);
}

static void
sign(const void *key, const char *text, void *out)
{
	struct hmac_sha256_ctx mac;

	hmac_sha256_set_key(&mac, 32, key);
	hmac_sha256_update(&mac, strlen(text), (const uint8_t *)text);
	hmac_sha256_digest(&mac, 32, out);
}

static void
prove(struct client *client, struct span server_first)
{
	const struct bench *bench = client->bench;
	unsigned char client_key[32];
	unsigned char stored[32];
	unsigned char mac[32];
	struct sha256_ctx sha;
	struct span rest;
	struct buf proof = BUF_INIT(0);
	char without[256];
	char auth[TEXT_SIZE];
	char message[TEXT_SIZE];

	snprintf(without, sizeof without, "c=biws,%.*s",
		SPAN_PRINT(span_cut(server_first, ',', &rest)));
	snprintf(auth, sizeof auth, "%s,%.*s,%s", client->bare, SPAN_PRINT(server_first), without);
	sign(bench->salted, "Client Key", client_key);
	sha256_init(&sha);
	sha256_update(&sha, 32, client_key);
	sha256_digest(&sha, 32, stored);
	sign(stored, auth, mac);
	for (int i = 0; i < 32; i++)
		mac[i] ^= client_key[i];
	base64_format(span_of(mac, 32), &proof);
	snprintf(message, sizeof message, "%s,p=%.*s", without, SPAN_PRINT(buf_span(&proof)));
	send_step(client, span_text(message));
	buf_fini(&proof);
}

static void
end_session(struct client *client)
{
	struct message_session_end end = { .session = client->session, .login = "" };
	struct buf content = BUF_INIT(0);

	message_session_end_pack(&content, &end);
	channel_send(client->bench->auth, MSG_SESSION_END, &content, -1);
	buf_fini(&content);
}

static void
on_challenge(struct client *client, struct span bytes)
{
	struct message_login_challenge challenge;
	struct arena *arena = arena_new(0);

	message_login_challenge_unpack(bytes, arena, &challenge);
	if (span_starts(challenge.challenge, "v="))
		send_step(client, SPAN_EMPTY);
	else
		prove(client, challenge.challenge);
	arena_free(&arena);
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct client *client = context;
	struct bench *bench = client->bench;

	if (answer && answer->id == MSG_LOGIN_CHALLENGE) {
		on_challenge(client, answer->bytes);
		return false;
	}
	if (answer && answer->id == MSG_LOGIN_DONE) {
		bench->done++;
		end_session(client);
	} else {
		bench->failed++;
	}
	if (!bench->over)
		begin(client);
	else if (--bench->busy == 0)
		loop_stop(bench->loop);
	return true;
}

static void
begin(struct client *client)
{
	struct bench *bench = client->bench;
	unsigned account = bench->next++ % ACCOUNTS;
	bool scram = bench->kind == SCRAM;
	char message[256];
	int length;
	struct buf content = BUF_INIT(0);
	struct message_login_start start = {
		.session = client->session,
		.listener = "submission",
		.protocol = "smtp",
		.mechanism = scram ? "SCRAM-SHA-256" : "PLAIN",
		.client_address = "192.0.2.1",
		.tls = true,
		.has_initial = true,
	};

	if (scram) {
		snprintf(client->bare, sizeof client->bare, "n=user%u,r=nonce%u", account,
			bench->next);
		length = snprintf(message, sizeof message, "n,,%s", client->bare);
	} else {
		length = snprintf(message, sizeof message, "%cuser%u%csecret", 0, account, 0);
	}
	start.initial = span_of(message, (size_t)length);
	message_login_start_pack(&content, &start);
	client->request = channel_ask(bench->auth, MSG_LOGIN_START, &content, -1, 0, on_answer, client);
	buf_fini(&content);
}

static bool
on_message(void *context, struct channel_message *message)
{
	(void)context;
	(void)message;
	return true;
}

static void
on_closed(void *context, const struct fault *why)
{
	(void)context;
	fprintf(stderr, "auth went away: %s\n", why->text);
	exit(1);
}

static const struct channel_events events = { .on_message = on_message, .on_closed = on_closed };

static void
on_over(void *context)
{
	struct bench *bench = context;

	bench->over = true;
}

static void
run(struct bench *bench, uint64_t ms)
{
	struct loop_timer timer;

	bench->over = false;
	bench->busy = AT_ONCE;
	bench->done = 0;
	loop_timer_init(&timer, bench->loop, on_over, bench);
	loop_timer_start(&timer, ms);
	for (int i = 0; i < AT_ONCE; i++)
		begin(&bench->clients[i]);
	loop_run(bench->loop);
	loop_timer_stop(&timer);
}

static double
cpu_seconds(pid_t pid)
{
	char path[64];
	unsigned long user = 0;
	unsigned long system_time = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			     &system_time) != 2)
		fprintf(stderr, "%s cannot be read\n", path);
	if (file)
		fclose(file);
	return (double)(user + system_time) / (double)sysconf(_SC_CLK_TCK);
}

static void
measure(const char *state_dir, enum kind kind, const char *name)
{
	struct bench bench = { .kind = kind, .loop = loop_new() };
	struct fault fault = FAULT_INIT;
	double cpu;
	double seconds;
	uint64_t start;
	pid_t child;
	int fds[2];

	if (!sock_pair(fds, &fault))
		exit(1);
	child = fork();
	if (child == 0) {
		close(fds[0]);
		serve(state_dir, kind, fds[1]);
	}
	close(fds[1]);
	pbkdf2_hmac_sha256(6, (const uint8_t *)"secret", ITERATIONS, strlen(SALT),
		(const uint8_t *)SALT, 32, bench.salted);
	bench.auth = channel_new(bench.loop, fds[0], ROLE_SMTP, ROLE_AUTH, &events, &bench);
	channel_send(bench.auth, MSG_SESSIONS_ANNOUNCED, NULL, -1);
	for (int i = 0; i < AT_ONCE; i++) {
		bench.clients[i].bench = &bench;
		snprintf(bench.clients[i].session, sizeof bench.clients[i].session, "s%d", i);
	}
	run(&bench, RUN_MS / 4); /* what can be remembered is remembered */
	cpu = cpu_seconds(child);
	start = clock_steady_ms();
	run(&bench, RUN_MS);
	seconds = (double)(clock_steady_ms() - start) / 1000;
	cpu = cpu_seconds(child) - cpu;
	printf("%-28s %9.0f logins/s  %8.1f us CPU each  %llu failed\n", name,
		(double)bench.done / seconds, cpu * 1e6 / (double)bench.done,
		(unsigned long long)bench.failed);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	channel_free(&bench.auth);
	loop_free(&bench.loop);
}

static int
delete_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat;
	(void)kind;
	(void)walk;
	return remove(path);
}

int
main(void)
{
	char state_dir[] = "/tmp/auth-bench-XXXXXX";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(state_dir))
		return 1;
	make_accounts(state_dir);
	printf("%d at once, %d accounts, %d iterations\n", AT_ONCE, ACCOUNTS, ITERATIONS);
	measure(state_dir, CACHED, "PLAIN, remembered");
	measure(state_dir, UNCACHED, "PLAIN, derived");
	measure(state_dir, SCRAM, "SCRAM-SHA-256");
	nftw(state_dir, delete_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
