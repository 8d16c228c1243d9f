/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams under TLS, and openssl as the client. */
#include "stream_tls_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

/* --- openssl as the client */

struct run {
	struct buf output;
	int fd;
	pid_t pid;
	struct loop_watch *watch;
	bool ended;
};

static void
on_output(unsigned events, void *context)
{
	struct run *run = context;
	char bytes[4096];
	ssize_t got = read(run->fd, bytes, sizeof bytes);

	(void)events;
	if (got > 0) {
		buf_add(&run->output, bytes, (size_t)got);
		return;
	}
	run->ended = true;
	loop_watch_free(&run->watch);
	loop_stop(loop);
}

static void
reply_to_lines(struct owner *owner)
{
	struct span line;

	while (stream_read_line(owner->stream, 512, &line) == STREAM_LINE_DONE) {
		buf_add_span(&owner->got, line);
		buf_add_text(&owner->got, "\n");
		stream_write(owner->stream, SPAN_LITERAL("250 heard\r\n"));
		if (span_is(line, "QUIT"))
			stream_close(owner->stream);
	}
}

static void
on_openssl(int fd, const struct sock_address *from, void *context)
{
	(void)from;
	(void)context;
	owner_fini(&server);
	owner_init(&server, loop, fd);
	server.on_input = reply_to_lines;
	start_server();
}

extern char **environ;

static void
spawn(struct run *run, const char *command)
{
	char *const arguments[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
	posix_spawn_file_actions_t actions;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 2);
	assert_int_equal(posix_spawn(&run->pid, "/bin/sh", &actions, NULL, arguments, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	run->fd = fds[0];
}

/* What openssl prints when it connects to our server with these arguments and says this. */
static char *
openssl(const char *arguments, const char *input)
{
	struct run run = { .output = BUF_INIT(0) };
	struct sock_address address;
	struct sock_acceptor *acceptor;
	char command[1024];
	char *text;
	int fd;

	sock_address_parse(SPAN_LITERAL("127.0.0.1:0"), &address, NULL);
	fd = sock_listen(&address, NULL);
	assert_true(fd >= 0 && sock_local(fd, &address));
	acceptor = sock_acceptor_new(loop, fd, on_openssl, NULL);
	snprintf(command, sizeof command,
			"printf '%s' | timeout 8 openssl s_client -connect 127.0.0.1:%u -ign_eof "
			"-servername mail.example.org %s",
			input, sock_address_port(&address), arguments);
	spawn(&run, command);
	run.watch = loop_watch_new(loop, run.fd, on_output, &run);
	loop_watch_set(run.watch, LOOP_READABLE);
	while (!run.ended)
		fixture_run(loop);
	waitpid(run.pid, NULL, 0);
	close(run.fd);
	sock_acceptor_free(&acceptor);
	sock_close(&fd);
	text = mem_strdup(buf_text(&run.output));
	buf_fini(&run.output);
	return text;
}

static void
expect(const char *arguments, const char *input, const char *wanted)
{
	char *text = openssl(arguments, input);

	if (!strstr(text, wanted))
		fail_msg("openssl %s does not say \"%s\" but:\n%s", arguments, wanted, text);
	mem_free(&text);
}

static void
openssl_gets_what_is_offered(void **state)
{
	(void)state;
	expect("-tls1_3", "EHLO x\\r\\nQUIT\\r\\n", "250 heard\r\n250 heard");
	expect("-tls1_2", "QUIT\\r\\n", "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256");
	expect("-tls1_2", "QUIT\\r\\n", "Secure Renegotiation IS supported");
}

static void
b8_openssl_is_refused_what_is_old(void **state)
{
	static const char *const refused[] = {
		"-tls1 -cipher ALL@SECLEVEL=0",
		"-tls1_1 -cipher ALL@SECLEVEL=0",
		"-tls1_2 -cipher AES256-GCM-SHA384",
		"-tls1_2 -cipher DHE-RSA-AES256-GCM-SHA384",
		"-tls1_2 -cipher ECDHE-ECDSA-AES256-SHA384",
		"-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA",
		"-tls1_2 -cipher aNULL@SECLEVEL=0",
		"-tls1_2 -cipher eNULL@SECLEVEL=0",
		"-tls1_2 -cipher 3DES:RC4@SECLEVEL=0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		char *text = openssl(refused[i], "QUIT\\r\\n");

		/* Debian's openssl cannot even offer some of them. */
		if (strstr(text, "250 heard") ||
				(!strstr(text, "alert") && !strstr(text, "no cipher match") &&
						!strstr(text, "no ciphers available")))
			fail_msg("%s: %s", refused[i], text);
		mem_free(&text);
	}
	assert_int_equal(buf_length(&server.got), 0);
}

static void
b12_openssl_may_not_renegotiate(void **state)
{
	(void)state;
	/* A line that begins with R makes s_client ask for it. */
	expect("-tls1_2 -no_ign_eof", "R\\n", "RENEGOTIATING");
	run_until_closed(&server);
	assert_int_equal(server.end, STREAM_END_TLS);
	assert_int_equal(buf_length(&server.got), 0);
}

static void
b13_tickets_allow_no_early_data(void **state)
{
	char path[] = "/tmp/io-test-XXXXXX";
	char arguments[256];
	char *text;

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(arguments, sizeof arguments, "-tls1_3 -sess_out %s/ticket", path);
	expect(arguments, "EHLO x\\r\\nQUIT\\r\\n", "Max Early Data: 0");
	/* Offered all the same, it is not sent; the session is resumed, and the data is not executed. */
	snprintf(arguments, sizeof arguments,
			"-tls1_3 -sess_in %s/ticket -early_data %s/ticket", path, path);
	text = openssl(arguments, "QUIT\\r\\n");
	assert_non_null(strstr(text, "Reused, TLSv1.3"));
	assert_null(strstr(text, "Early data was accepted"));
	assert_span_equal(buf_span(&server.got), "QUIT\n");
	mem_free(&text);
	snprintf(arguments, sizeof arguments, "rm -r %s", path);
	assert_int_equal(system(arguments), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(openssl_gets_what_is_offered),
		TEST(b8_openssl_is_refused_what_is_old),
		TEST(b12_openssl_may_not_renegotiate),
		TEST(b13_tickets_allow_no_early_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
