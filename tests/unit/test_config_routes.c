/* SPDX-License-Identifier: BSD-2-Clause */
/* Route look-up: whole name before longest suffix before "*". */
#include "config/routes.h"
#include "unit.h"

static const struct settings_route route_list[] = {
	{ .title = "*" },
	{ .title = ".example.org" },
	{ .title = ".deep.example.org" },
	{ .title = "example.org" },
	{ .title = "Mail.Example.NET" },
	{ .title = "[192.0.2.1]" },
};

static const struct settings all_settings = {
	.hostname = "mail.example.net",
	.route = { route_list, sizeof(route_list) / sizeof(route_list[0]) },
};

static void
test_cases(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		const char *title;
	} cases[] = {
		{ "a@example.org", "example.org" },
		{ "a@EXAMPLE.org", "example.org" },
		{ "a@x.example.org", ".example.org" },
		{ "a@.example.org", "*" },
		{ "a@x.deep.example.org", ".deep.example.org" },
		{ "a@deep.example.org", ".example.org" },
		{ "a@notexample.org", "*" },
		{ "a@elsewhere.test", "*" },
		{ "postmaster", "Mail.Example.NET" },
		{ "\"x@example.org\"@[192.0.2.1]", "[192.0.2.1]" },
		{ "a@*", "*" },
		{ "", "Mail.Example.NET" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct settings_route *route =
			routes_find(&all_settings, span_text(cases[i].path));
		assert_non_null(route);
		assert_string_equal(route->title, cases[i].title);
	}
}

static void
test_none(void **state)
{
	(void)state;
	struct settings settings = all_settings;
	settings.route.items += 1; /* without "*" */
	settings.route.count -= 1;
	assert_null(routes_find(&settings, span_text("a@elsewhere.test")));
	settings.route.count = 0;
	assert_null(routes_find(&settings, span_text("a@example.org")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
