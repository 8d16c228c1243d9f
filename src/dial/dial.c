/* SPDX-License-Identifier: BSD-2-Clause */
/* The dialler: named endpoints to connected descriptors. */
#include "dial/dial.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "dial/socket_file.h"
#include "io/connector.h"
#include "ipc/message_login.h"
#include "proc/needs.h"

enum {
	DIAL_PEERS_MAX = 256,
	DIAL_CALLS_EACH = NEEDS_FILTERS_MOST, /* under way at once, of one front end … */
	DIAL_CONNECTING_MAX = NEEDS_CALLS_MOST, /* … and of all of them those that have a descriptor */
	DIAL_CONNECTING_EACH = NEEDS_CALLS_MOST / 4, /* to one endpoint: one that hangs is not in the way */
	DIAL_WAIT_MAX_MS = 120 * 1000,
	DIAL_AGAIN_MS = 250,         /* between two tries of one call */
	DIAL_PATIENCE_MS = 2 * 1000, /* with one who is not there: he may be starting anew */
};

/* One front end. */
struct peer {
	struct dial *dial;
	enum role role;
	uint8_t instance;
	struct channel *channel; /* NULL: free */
	size_t calls;
};

/* An endpoint while somebody is being connected to it. */
struct place {
	struct place *next;
	char *endpoint;
	size_t connecting;
};

/* One question under way. */
struct call {
	struct call *next;
	struct call *previous;
	struct peer *peer;
	uint32_t request;
	struct settings *settings;
	struct resolver *resolver;
	const struct endpoint *endpoint; /* in settings */
	struct connector *connector;
	struct place *place;             /* while there is a connector */
	struct loop_timer again;
	uint64_t since_ms;
	uint64_t until_ms;
};

struct dial {
	struct role_context *context;
	struct loop *loop;
	struct resolver *resolver;
	struct resolver *next;  /* checked, not yet in use */
	struct call *calls;
	struct place *places;
	size_t connecting;
	struct peer peers[DIAL_PEERS_MAX];
};

/* ---- places --------------------------------------------------------------------------------------- */

/* Where it is, or the end of the list. */
static struct place **
find_place(struct dial *dial, const char *endpoint)
{
	struct place **at = &dial->places;

	while (*at && strcmp((*at)->endpoint, endpoint) != 0)
		at = &(*at)->next;
	return at;
}

/* Is there a descriptor for one more? */
static bool
has_room(const struct call *call)
{
	struct dial *dial = call->peer->dial;
	const struct place *place = *find_place(dial, call->endpoint->text);

	return dial->connecting < DIAL_CONNECTING_MAX &&
		(!place || place->connecting < DIAL_CONNECTING_EACH);
}

static void
enter_place(struct call *call)
{
	struct dial *dial = call->peer->dial;
	struct place **at = find_place(dial, call->endpoint->text);

	if (!*at) {
		*at = mem_alloc(sizeof **at);
		(*at)->endpoint = mem_strdup(call->endpoint->text);
	}
	(*at)->connecting++;
	dial->connecting++;
	call->place = *at;
}

static void
leave_place(struct call *call)
{
	struct dial *dial = call->peer->dial;
	struct place *place = call->place;

	call->place = NULL;
	if (!place)
		return;
	dial->connecting--;
	if (--place->connecting > 0)
		return;
	*find_place(dial, place->endpoint) = place->next;
	mem_free(&place->endpoint);
	mem_free(&place);
}

/* ---- calls ---------------------------------------------------------------------------------------- */

static void
call_free(struct call *call)
{
	struct dial *dial = call->peer->dial;

	connector_free(&call->connector);
	leave_place(call);
	loop_timer_stop(&call->again);
	if (call->next)
		call->next->previous = call->previous;
	if (call->previous)
		call->previous->next = call->next;
	else
		dial->calls = call->next;
	call->peer->calls--;
	resolver_free(&call->resolver);
	settings_free(&call->settings);
	mem_free(&call);
}

static void
answer(struct call *call, int fd, const struct sock_address *address)
{
	char text[SOCK_TEXT_MAX_BYTES];
	struct message_dialed dialed = { .address = sock_address_format(address, text) };
	struct buf content = BUF_INIT(0);

	message_dialed_pack(&content, &dialed);
	channel_answer(call->peer->channel, call->request, MSG_DIALED, &content, fd);
	buf_fini(&content);
	call_free(call);
}

static void
give_up(struct call *call, const struct fault *fault)
{
	log_event(EV_DIAL_FAILED, kv_str("endpoint", call->endpoint->text), kv_fault(fault));
	channel_refuse(call->peer->channel, call->request, 451, "4.4.1", fault->text);
	call_free(call);
}

/* 0 when its time is over: a process that was stopped wakes up late. */
static uint64_t
left_ms(const struct call *call)
{
	uint64_t now_ms = loop_now_ms(call->peer->dial->loop);

	return now_ms < call->until_ms ? call->until_ms - now_ms : 0;
}

static void try(void *context);

/*
 * A filter that is being restarted is back in a moment, one with a long queue takes us in a while: to
 * wait for that, within the deadline, is no failure. Nothing else gets better by it.
 */
static void
on_failed(struct call *call, const struct fault *fault)
{
	uint64_t now_ms = loop_now_ms(call->peer->dial->loop);
	bool again = fault->kind == FAULT_BUSY ||
		(fault->kind == FAULT_MISSING &&
			now_ms + DIAL_AGAIN_MS < call->since_ms + DIAL_PATIENCE_MS);

	if (again && left_ms(call) > DIAL_AGAIN_MS)
		loop_timer_start(&call->again, DIAL_AGAIN_MS);
	else
		give_up(call, fault);
}

static void
on_connected(int fd, const struct sock_address *address, const struct fault *fault, void *context)
{
	struct call *call = context;

	call->connector = NULL;
	leave_place(call);
	if (fd >= 0)
		answer(call, fd, address);
	else
		on_failed(call, fault);
}

static void
start_connect(struct call *call)
{
	const struct endpoint *endpoint = call->endpoint;
	bool is_unix = endpoint->kind == ENDPOINT_UNIX;
	struct connector_place place = {
		.path = is_unix ? endpoint->path : NULL,
		.host = is_unix ? NULL : endpoint->host,
		.port = endpoint->port,
	};

	enter_place(call);
	call->connector = connector_new(call->peer->dial->loop, call->resolver, &place,
		left_ms(call), on_connected, call);
}

static void
try(void *context)
{
	struct call *call = context;
	struct fault fault = FAULT_INIT;

	if (left_ms(call) == 0) {
		fault_set(&fault, FAULT_LIMIT, "%s: no connection in time", call->endpoint->text);
		give_up(call, &fault);
	} else if (!has_room(call)) {
		loop_timer_start(&call->again, DIAL_AGAIN_MS);
	} else if (call->endpoint->kind == ENDPOINT_UNIX &&
		   !socket_file_check(call->endpoint->path, &fault)) {
		on_failed(call, &fault);
	} else {
		start_connect(call);
	}
}

/*
 * What a front end may have connected is what the settings name; it never says an address itself.
 * Filters are for who asks them.
 */
static const struct endpoint *
find_endpoint(const struct peer *peer, const struct settings *settings, const char *name)
{
	static const char milter[] = "milter:";
	const struct settings_milter *found;

	if (peer->role != ROLE_SMTP || strncmp(name, milter, sizeof milter - 1) != 0)
		return NULL;
	found = settings_find_milter(settings, name + sizeof milter - 1);
	return found ? &found->address : NULL;
}

static void
start_call(struct peer *peer, uint32_t request, const struct message_dial *question)
{
	struct dial *dial = peer->dial;
	struct settings *settings = settings_hold(role_settings(dial->context));
	const struct endpoint *endpoint = find_endpoint(peer, settings, question->endpoint);
	uint64_t wait_ms =
		question->wait_ms < DIAL_WAIT_MAX_MS ? question->wait_ms : DIAL_WAIT_MAX_MS;
	struct call *call;

	if (!endpoint || peer->calls >= DIAL_CALLS_EACH) {
		channel_refuse(peer->channel, request, 451, endpoint ? MESSAGE_DIAL_BUSY : "4.3.5",
			endpoint ? "too many connections are being made" : "no such endpoint");
		settings_free(&settings);
		return;
	}
	call = mem_alloc(sizeof *call);
	call->peer = peer;
	call->request = request;
	call->settings = settings;
	call->resolver = resolver_hold(dial->resolver);
	call->endpoint = endpoint;
	call->since_ms = loop_now_ms(dial->loop);
	call->until_ms = call->since_ms + (wait_ms ? wait_ms : 1);
	loop_timer_init(&call->again, dial->loop, try, call);
	call->next = dial->calls;
	if (call->next)
		call->next->previous = call;
	dial->calls = call;
	peer->calls++;
	try(call);
}

/* ---- front ends ----------------------------------------------------------------------------------- */

/* One that was answered meanwhile is not there. */
static void
cancel_call(struct peer *peer, uint32_t request)
{
	for (struct call *call = peer->dial->calls; call; call = call->next) {
		if (call->peer == peer && call->request == request) {
			call_free(call);
			return;
		}
	}
}

static bool
on_message(void *context, struct channel_message *message)
{
	struct peer *peer = context;
	struct arena *arena = arena_new(0);
	struct message_dial question;
	struct message_dial_cancel cancel;
	bool good = false;

	if (message->id == MSG_DIAL) {
		good = message->request && message_dial_unpack(message->bytes, arena, &question);
		if (good)
			start_call(peer, message->request, &question);
	} else if (message->id == MSG_DIAL_CANCEL) {
		good = message_dial_cancel_unpack(message->bytes, arena, &cancel);
		if (good)
			cancel_call(peer, cancel.call);
	}
	arena_free(&arena);
	return good;
}

static void
drop_peer(struct peer *peer)
{
	struct call *next;

	if (!peer->channel)
		return;
	for (struct call *call = peer->dial->calls; call; call = next) {
		next = call->next;
		if (call->peer == peer)
			call_free(call);
	}
	channel_free(&peer->channel);
}

static void
on_closed(void *context, const struct fault *why)
{
	(void)why;
	drop_peer(context);
}

static const struct channel_events peer_events = {
	.on_message = on_message,
	.on_closed = on_closed,
};

static struct peer *
find_peer(struct dial *dial, enum role role, uint8_t instance)
{
	for (size_t i = 0; i < DIAL_PEERS_MAX; i++)
		if (dial->peers[i].channel && dial->peers[i].role == role &&
			dial->peers[i].instance == instance)
			return &dial->peers[i];
	return NULL;
}

static struct peer *
free_peer(struct dial *dial)
{
	for (size_t i = 0; i < DIAL_PEERS_MAX; i++)
		if (!dial->peers[i].channel)
			return &dial->peers[i];
	return NULL;
}

static void
dial_on_unlink(void *private, enum role role, uint8_t instance)
{
	struct peer *peer = find_peer(private, role, instance);

	if (peer)
		drop_peer(peer);
}

static bool
dial_on_link(void *private, const struct message_link *link, int fd)
{
	struct dial *dial = private;
	struct peer *peer;

	dial_on_unlink(dial, link->peer, link->instance);
	peer = free_peer(dial);
	if (!peer || link->kind != LINK_CHANNEL ||
		!(ROLE_BIT(link->peer) & (ROLE_BIT(ROLE_SMTP) | ROLE_BIT(ROLE_MAILBOX)))) {
		close(fd);
		return false;
	}
	peer->dial = dial;
	peer->role = link->peer;
	peer->instance = link->instance;
	peer->channel = channel_new(dial->loop, fd, ROLE_DIAL, link->peer, &peer_events, peer);
	return true;
}

/* ---- role ----------------------------------------------------------------------------------------- */

static struct resolver *
make_resolver(struct dial *dial, struct fault *fault)
{
	const struct settings_texts *servers = &role_settings(dial->context)->relay.resolvers;

	return resolver_new(dial->loop, servers->items, servers->count, fault);
}

static void *
dial_start(struct role_context *context, struct fault *fault)
{
	struct dial *dial = mem_alloc(sizeof *dial);

	dial->context = context;
	dial->loop = role_loop(context);
	dial->resolver = make_resolver(dial, fault);
	if (!dial->resolver)
		mem_free(&dial);
	return dial;
}

/* Each call looks into the settings anew. */
static bool
dial_on_check(void *private, struct fault *fault)
{
	struct dial *dial = private;

	dial->next = make_resolver(dial, fault);
	return dial->next;
}

/* Calls under way keep the resolver they asked. */
static void
dial_on_take(void *private)
{
	struct dial *dial = private;

	resolver_free(&dial->resolver);
	dial->resolver = dial->next;
	dial->next = NULL;
}

static void
dial_on_forget(void *private)
{
	struct dial *dial = private;

	resolver_free(&dial->next);
}

static void
dial_on_stop(void *private, uint64_t grace_ms)
{
	struct dial *dial = private;

	(void)grace_ms;
	role_finished(dial->context);
}

static void
dial_free(void **private)
{
	struct dial *dial = *private;

	if (!dial)
		return;
	for (size_t i = 0; i < DIAL_PEERS_MAX; i++)
		drop_peer(&dial->peers[i]);
	resolver_free(&dial->resolver);
	mem_free(private);
}

const struct role_program dial_program = {
	.role = ROLE_DIAL,
	.start = dial_start,
	.on_link = dial_on_link,
	.on_unlink = dial_on_unlink,
	.on_check = dial_on_check,
	.on_take = dial_on_take,
	.on_forget = dial_on_forget,
	.on_stop = dial_on_stop,
	.free = dial_free,
};
