/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that several roles share. */
#include "super/secrets.h"

#include <string.h>

#include "base/digest.h"
#include "base/memory.h"
#include "ipc/grant.h"

struct ticket_key {
	char *listener;
	struct secret *key;
};

struct secrets {
	struct secret *grant_key;
	struct ticket_key *tickets;
	size_t count;
	struct loop_timer rotate;
	secrets_change_fn *on_change;
	void *context;
};

static struct secret *
make_key(size_t size)
{
	struct secret *key = secret_alloc(size);

	digest_random(secret_bytes(key), size);
	return key;
}

void
secrets_rotate(struct secrets *secrets)
{
	for (size_t i = 0; i < secrets->count; i++) {
		struct ticket_key *ticket = &secrets->tickets[i];

		secret_free(&ticket->key);
		ticket->key = make_key(SECRETS_TICKET_KEY_BYTES);
		secrets->on_change(secrets->context, ticket->listener, secret_span(ticket->key));
	}
	loop_timer_start(&secrets->rotate, SECRETS_ROTATE_MS);
}

static void
on_rotate(void *context)
{
	secrets_rotate(context);
}

struct secrets *
secrets_new(struct loop *loop, secrets_change_fn *on_change, void *context)
{
	struct secrets *secrets = mem_alloc(sizeof *secrets);

	secrets->grant_key = make_key(GRANT_KEY_BYTES);
	secrets->on_change = on_change;
	secrets->context = context;
	loop_timer_init(&secrets->rotate, loop, on_rotate, secrets);
	loop_timer_start(&secrets->rotate, SECRETS_ROTATE_MS);
	return secrets;
}

static void
free_tickets(struct ticket_key *tickets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		secret_free(&tickets[i].key);
		mem_free(&tickets[i].listener);
	}
	mem_free(&tickets);
}

void
secrets_free(struct secrets **secrets)
{
	if (!*secrets)
		return;
	loop_timer_stop(&(*secrets)->rotate);
	secret_free(&(*secrets)->grant_key);
	free_tickets((*secrets)->tickets, (*secrets)->count);
	mem_free(secrets);
}

static struct ticket_key *
find(const struct secrets *secrets, const char *listener)
{
	for (size_t i = 0; i < secrets->count; i++) {
		if (strcmp(secrets->tickets[i].listener, listener) == 0)
			return &secrets->tickets[i];
	}
	return NULL;
}

/* Who resumes sessions has tickets at all. */
static bool
has_tickets(const struct settings_listener *listener)
{
	return listener->tls != LISTENER_TLS_NONE && listener->tls_ticket_life != 0;
}

void
secrets_add_listeners(struct secrets *secrets, const struct settings *settings)
{
	for (size_t i = 0; i < settings->listener.count; i++) {
		const struct settings_listener *listener = &settings->listener.items[i];

		if (!has_tickets(listener) || find(secrets, listener->title))
			continue;
		secrets->tickets = mem_grow_array(
			secrets->tickets, secrets->count + 1, sizeof *secrets->tickets);
		secrets->tickets[secrets->count++] = (struct ticket_key){
			mem_strdup(listener->title), make_key(SECRETS_TICKET_KEY_BYTES) };
	}
}

void
secrets_set_listeners(struct secrets *secrets, const struct settings *settings)
{
	struct ticket_key *old = secrets->tickets;
	size_t old_count = secrets->count;
	struct ticket_key *fresh = mem_alloc_array(settings->listener.count, sizeof *fresh);
	size_t count = 0;

	for (size_t i = 0; i < settings->listener.count; i++) {
		const struct settings_listener *listener = &settings->listener.items[i];
		struct ticket_key *known = find(secrets, listener->title);

		if (!has_tickets(listener))
			continue;
		fresh[count].listener = mem_strdup(listener->title);
		fresh[count].key = known && known->key ? known->key
						       : make_key(SECRETS_TICKET_KEY_BYTES);
		if (known)
			known->key = NULL;
		count++;
	}
	secrets->tickets = fresh;
	secrets->count = count;
	free_tickets(old, old_count);
}

struct span
secrets_grant_key(const struct secrets *secrets)
{
	return secret_span(secrets->grant_key);
}

struct span
secrets_ticket_key(const struct secrets *secrets, const char *listener)
{
	const struct ticket_key *ticket = find(secrets, listener);

	return ticket ? secret_span(ticket->key) : SPAN_EMPTY;
}
