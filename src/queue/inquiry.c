/* SPDX-License-Identifier: BSD-2-Clause */
/* A front end asks whether there is such a recipient: checked, and passed on to relay. */
#include "queue/inquiry.h"

#include "config/routes.h"

enum { MARGIN_MS = 2000 }; /* relay gives up first, and says why */

struct inquiry {
	inquiry_told_fn *told;
	void *context;
	uint32_t request;
};

static void
tell(const struct inquiry *inquiry, const char *why)
{
	const struct message_recipient_told told = { FINDING_UNSURE, "", why };
	inquiry->told(inquiry->context, inquiry->request, &told);
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct inquiry *inquiry = context;
	struct arena *arena = arena_new(0);
	struct message_recipient_told told;
	if (!answer)
		tell(inquiry, "the relay does not answer");
	else if (answer->id == MSG_CALLED_AHEAD &&
		message_recipient_told_unpack(answer->bytes, arena, &told))
		inquiry->told(inquiry->context, inquiry->request, &told);
	else
		tell(inquiry, "the relay gives no answer");
	arena_free(&arena);
	mem_free(&inquiry);
	return true;
}

static struct span
domain_of(const char *path)
{
	struct span rest = span_text(path);
	for (size_t at = rest.length; at > 0; at--) {
		if (rest.start[at - 1] == '@')
			return span_from(rest, at);
	}
	return SPAN_EMPTY;
}

void
inquiry_ask(const struct inquiry_means *means, const char *path, inquiry_told_fn *told,
	void *context, uint32_t request)
{
	const struct settings *settings = means->settings;
	const struct settings_route *route = routes_find(settings, span_text(path));
	struct inquiry asked = { told, context, request };
	if (settings_recipients(settings, domain_of(path)) != RECIPIENTS_CALL_AHEAD) {
		tell(&asked, "this domain is not asked for");
		return;
	}
	if (!route) {
		tell(&asked, "no route leads to this domain");
		return;
	}
	const struct message_call_ahead message = { path, route->title };
	struct inquiry *inquiry = mem_dup(&asked, sizeof(asked));
	if (means->call(means->context, &message, settings->relay.call_ahead_wait + MARGIN_MS,
		    on_answer, inquiry))
		return;
	mem_free(&inquiry);
	tell(&asked, "the relay is away");
}
