/* SPDX-License-Identifier: BSD-2-Clause */
/* Links to peers as super passes and cuts them. */
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "proc/role_links.h"

static struct message_link
to(enum role peer, uint8_t instance)
{
	return (struct message_link){ peer, instance, LINK_CHANNEL };
}

static void
in_order_without_those_cut(void **state)
{
	struct role_links links = { .count = 0 };
	struct message_link link;
	int fds[3];
	int fd;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		fds[i] = dup(STDERR_FILENO);
		link = to(ROLE_SMTP, (uint8_t)i);
		assert_true(role_links_add(&links, &link, fds[i]));
	}
	role_links_drop(&links, ROLE_AUTH, 1);
	role_links_drop(&links, ROLE_SMTP, 1);
	assert_int_equal(fcntl(fds[1], F_GETFD), -1);
	assert_true(role_links_take(&links, &link, &fd));
	assert_int_equal(fd, fds[0]);
	assert_int_equal(link.instance, 0);
	assert_true(role_links_take(&links, &link, &fd));
	assert_int_equal(link.instance, 2);
	assert_false(role_links_take(&links, &link, &fd));
	close(fds[0]);
	close(fds[2]);
}

static void
never_too_many(void **state)
{
	struct role_links links = { .count = ROLE_LINKS_MAX };
	struct message_link link = to(ROLE_SMTP, 0);
	int fd = dup(STDERR_FILENO);

	(void)state;
	assert_false(role_links_add(&links, &link, fd));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void
lost_ones(void **state)
{
	struct role_lost lost = { .count = 0 };

	(void)state;
	assert_true(role_lost_add(&lost, ROLE_AUTH, 0));
	assert_false(role_lost_add(&lost, ROLE_AUTH, 0));
	assert_true(role_lost_add(&lost, ROLE_QUEUE, 0));
	role_lost_remove(&lost, ROLE_AUTH, 1);
	assert_int_equal(lost.count, 2);
	role_lost_remove(&lost, ROLE_AUTH, 0);
	assert_int_equal(lost.count, 1);
	assert_int_equal(lost.items[0].peer, ROLE_QUEUE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_without_those_cut),
		cmocka_unit_test(never_too_many),
		cmocka_unit_test(lost_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
