/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs while the daemon is down, and nothing while a daemon has the accounts. */
#include "folder_fixture.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/directory_local.h"
#include "auth/offline.h"
#include "ipc/control.h"

struct place {
	char dir[64];
	char state_dir[80];
	char config[80];
	int fd;     /* of ours, towards the child */
	pid_t child;
	struct buf input;
};

static int
make(void **state)
{
	struct place *place = mem_alloc(sizeof *place);
	FILE *file;

	snprintf(place->dir, sizeof place->dir, "/tmp/auth-offline-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->state_dir, sizeof place->state_dir, "%s/state", place->dir);
	snprintf(place->config, sizeof place->config, "%s/sallyport.conf", place->dir);
	assert_int_equal(mkdir(place->state_dir, 0755), 0);
	/* As root the child becomes this user, and makes the files as such. */
	if (geteuid() == 0) {
		assert_int_equal(chmod(place->dir, 0755), 0);
		assert_int_equal(chown(place->state_dir, 65534, 65534), 0);
	}
	file = fopen(place->config, "w");
	fprintf(file,
		"hostname = \"mail.example.org\"\nstate-dir = \"%s\"\nrun-dir = \"%s/run\"\n"
		"users { auth = \"nobody\" }\nsasl { iterations = 4096 }\n"
		"listener \"s\" { protocol = smtp address = { \"127.0.0.1:0\" } tls = none "
		"login = off }\nroute \"*\" { to = \"smtp:127.0.0.1:25\" }\n",
		place->state_dir, place->dir);
	fclose(file);
	*state = place;
	return 0;
}

static int
unmake(void **state)
{
	struct place *place = *state;

	buf_fini(&place->input);
	remove_folder(place->dir);
	mem_free(&place);
	return 0;
}

static void
start(struct place *place)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	place->child = fork();
	if (place->child == 0) {
		close(fds[0]);
		_exit(offline_run(place->config, fds[1], fds[1]));
	}
	close(fds[1]);
	place->fd = fds[0];
}

static int
finish(struct place *place)
{
	int status;

	close(place->fd);
	assert_int_equal(waitpid(place->child, &status, 0), place->child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
send_verb(struct place *place, const char *verb, json_t *args)
{
	struct buf json = BUF_INIT(0);
	struct buf frame = BUF_INIT(0);

	control_request_pack(&json, verb, args);
	json_decref(args);
	control_frame_add(&frame, buf_span(&json));
	/* In two pieces: a frame need not come in one. */
	assert_int_equal(write(place->fd, buf_span(&frame).start, 3), 3);
	assert_true(write(place->fd, buf_span(&frame).start + 3, buf_length(&frame) - 3) > 0);
	buf_fini(&json);
	buf_fini(&frame);
}

static struct control_answer
receive(struct place *place)
{
	struct control_answer answer;
	struct fault fault = FAULT_INIT;
	struct span json;
	size_t size;

	while (control_frame_next(buf_span(&place->input), &json, &size) != CONTROL_DONE) {
		char *room = buf_reserve(&place->input, 4096);
		ssize_t got = read(place->fd, room, 4096);

		assert_true(got > 0);
		buf_claim(&place->input, (size_t)got);
	}
	assert_true(control_answer_unpack(json, &answer, &fault));
	buf_consume(&place->input, size);
	return answer;
}

static void
accounts_are_made_and_listed(void **state)
{
	struct place *place = *state;
	struct control_answer answer;
	size_t rows = 0;
	bool more = true;
	char login[16];

	start(place);
	for (int i = 0; i < 40; i++) {
		snprintf(login, sizeof login, "user%02d", i);
		send_verb(place, "account add",
			json_pack("{s:s, s:s}", "login", login, "password", "pw"));
		answer = receive(place);
		assert_true(answer.ok);
		control_answer_fini(&answer);
	}
	send_verb(place, "account list", json_object());
	while (more) {
		answer = receive(place);
		assert_true(answer.ok);
		rows += json_array_size(json_object_get(answer.data, "accounts"));
		more = answer.more;
		control_answer_fini(&answer);
	}
	assert_int_equal(rows, 40);
	send_verb(place, "account delete", json_pack("{s:s}", "login", "nobody"));
	answer = receive(place);
	assert_false(answer.ok);
	assert_string_equal(answer.kind, "missing");
	control_answer_fini(&answer);
	send_verb(place, "sessions list", json_object());
	answer = receive(place);
	assert_false(answer.ok);
	assert_non_null(strstr(answer.error, "not running"));
	control_answer_fini(&answer);
	assert_int_equal(finish(place), EXIT_SUCCESS);
}

static void
files_belong_to_the_user_of_auth(void **state)
{
	struct place *place = *state;
	struct control_answer answer;
	struct stat stat_out;
	char file[128];

	if (geteuid() != 0)
		skip();
	start(place);
	send_verb(place, "account add", json_pack("{s:s}", "login", "alice"));
	answer = receive(place);
	assert_true(answer.ok);
	control_answer_fini(&answer);
	finish(place);
	snprintf(file, sizeof file, "%s/auth/accounts.db", place->state_dir);
	assert_int_equal(stat(file, &stat_out), 0);
	assert_int_equal(stat_out.st_uid, 65534);
	assert_int_equal(stat_out.st_mode & 07777, 0600);
}

static void
a_daemon_that_runs_keeps_it_out(void **state)
{
	struct place *place = *state;
	struct directory_local *daemon;
	struct control_answer answer;
	struct fault fault = FAULT_INIT;

	/* As root ours would be root's files; the lock is the same for any user. */
	if (geteuid() == 0) {
		start(place);
		finish(place);
		assert_int_equal(seteuid(65534), 0);
	}
	daemon = directory_local_open(place->state_dir, 0, &fault);
	assert_non_null(daemon);
	assert_int_equal(seteuid(getuid()), 0);
	start(place);
	send_verb(place, "account add", json_pack("{s:s}", "login", "alice"));
	answer = receive(place);
	assert_false(answer.ok);
	assert_string_equal(answer.kind, "busy");
	control_answer_fini(&answer);
	assert_int_equal(finish(place), EXIT_FAILURE);
	directory_local_close(&daemon);
}

static void
a_bad_configuration_is_said_with_file_and_line(void **state)
{
	struct place *place = *state;
	struct control_answer answer;
	FILE *file = fopen(place->config, "a");

	fprintf(file, "nonsense = 1\n");
	fclose(file);
	start(place);
	send_verb(place, "account list", json_object());
	answer = receive(place);
	assert_false(answer.ok);
	assert_non_null(strstr(answer.error, "sallyport.conf:"));
	control_answer_fini(&answer);
	assert_int_equal(finish(place), EXIT_FAILURE);
}

static void
rubbish_ends_it(void **state)
{
	struct place *place = *state;
	char byte;

	start(place);
	assert_int_equal(write(place->fd, "\xff\xff\xff\xff{}", 6), 6);
	assert_int_equal(read(place->fd, &byte, 1), 0);
	finish(place);
}

#define OFFLINE_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		OFFLINE_TEST(accounts_are_made_and_listed),
		OFFLINE_TEST(files_belong_to_the_user_of_auth),
		OFFLINE_TEST(a_daemon_that_runs_keeps_it_out),
		OFFLINE_TEST(a_bad_configuration_is_said_with_file_and_line),
		OFFLINE_TEST(rubbish_ends_it),
	};

	return cmocka_run_group_tests_name("auth/offline", tests, NULL, NULL);
}
