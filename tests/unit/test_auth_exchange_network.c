/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients without a login that count as an account, by their network: what auth makes of the question. */
#include "auth_exchange_fixture.h"

static struct rig_heard *
by_network(struct rig_front *front, const struct message_login_start *start)
{
	rig_begin(front, start);
	return rig_hear(front);
}

/* The account of a listener, for its networks alone; and no failed login, whatever becomes of it. */
static void
network_counts_as_the_account(void **state)
{
	struct rig_front *front = front_of(state);
	struct settings_listener *devices = &front->rig->listeners[3];
	struct message_login_start start = rig_start("s1", LOGIN_BY_NETWORK);
	struct rig_heard *heard;

	start.listener = "devices";
	start.client_address = "10.1.2.3";
	assert_failed(by_network(front, &start), LOGIN_NO_MECHANISM);
	devices->networks = devices->insecure_networks;
	devices->identity = "Bob@example.org";
	heard = by_network(front, &start);
	assert_in(heard, "bob");
	start.session = "s2";
	start.client_address = "10.2.0.1";
	assert_failed(by_network(front, &start), LOGIN_NO_MECHANISM);
	start.client_address = "10.1.2.3";
	start.listener = "submission";
	assert_failed(by_network(front, &start), LOGIN_NO_MECHANISM);
	start.listener = "devices";
	devices->identity = "disabled";
	assert_failed(by_network(front, &start), LOGIN_REFUSED);
	assert_int_equal(front->heard.delay_ms, 0);
	devices->identity = "nobody";
	assert_failed(by_network(front, &start), LOGIN_REFUSED);
	/* The front end has nothing to say of it. */
	devices->identity = "bob";
	assert_failed(rig_login(front, start, SPAN_LITERAL("x")), LOGIN_BAD_SYNTAX);
	devices->identity = "";
	devices->networks.count = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(network_counts_as_the_account),
	};

	return cmocka_run_group_tests_name("auth/exchange_network", tests, NULL, NULL);
}
