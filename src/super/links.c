/* SPDX-License-Identifier: BSD-2-Clause */
/* Which roles talk to each other. */
#include "super/links.h"

#include "io/sock.h"

/* A role that is in no row with another can send it nothing. */
static const struct {
	enum role a;
	enum role b;
	enum link_kind kind;
} table[] = {
	{ ROLE_SMTP, ROLE_AUTH, LINK_CHANNEL },
	{ ROLE_SMTP, ROLE_KEYS, LINK_SIGN },
	{ ROLE_SMTP, ROLE_DIAL, LINK_CHANNEL },
	{ ROLE_SMTP, ROLE_QUEUE, LINK_CHANNEL },
	{ ROLE_MAILBOX, ROLE_AUTH, LINK_CHANNEL },
	{ ROLE_MAILBOX, ROLE_KEYS, LINK_SIGN },
	{ ROLE_MAILBOX, ROLE_DIAL, LINK_CHANNEL },
	{ ROLE_AUTH, ROLE_QUEUE, LINK_CHANNEL },
	{ ROLE_QUEUE, ROLE_RELAY, LINK_CHANNEL },
};

bool
links_find(enum role a, enum role b, enum link_kind *kind_out)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if ((table[i].a == a && table[i].b == b) || (table[i].a == b && table[i].b == a)) {
			*kind_out = table[i].kind;
			return true;
		}
	}
	return false;
}

static bool
send_link(struct child *to, const struct child *peer, enum link_kind kind, enum message_id id, int fd)
{
	struct message_link link = { peer->role, (uint8_t)peer->instance, kind };
	struct buf content = BUF_INIT(0);
	bool done;

	message_link_pack(&content, &link);
	done = channel_send(to->channel, id, &content, fd);
	buf_fini(&content);
	return done;
}

static bool
connect_two(struct child *a, struct child *b, struct fault *fault)
{
	enum link_kind kind;
	int fds[2];
	bool done;

	if (!links_find(a->role, b->role, &kind))
		return true;
	if (!sock_pair(fds, fault))
		return false;
	done = send_link(a, b, kind, MSG_LINK, fds[0]);
	done = send_link(b, a, kind, MSG_LINK, fds[1]) && done;
	return done ||
		fault_set(fault, FAULT_MISSING, "%s and %s cannot be linked", role_name(a->role),
			role_name(b->role));
}

static void
cut(struct child *told, const struct child *gone)
{
	enum link_kind kind;

	if (links_find(told->role, gone->role, &kind))
		send_link(told, gone, kind, MSG_UNLINK, -1);
}

static bool
is_there(const struct child *child)
{
	return child->channel && channel_is_open(child->channel);
}

bool
links_connect_all(struct child *first, struct child *child, struct fault *fault)
{
	for (struct child *other = first; other; other = other->next) {
		if (other != child && is_there(other) && !connect_two(child, other, fault))
			return false;
	}
	return true;
}

void
links_cut_all(struct child *first, const struct child *gone)
{
	for (struct child *other = first; other; other = other->next) {
		if (other != gone && is_there(other))
			cut(other, gone);
	}
}

bool
links_renew(struct child *first, struct child *child, enum role peer, unsigned instance,
	struct fault *fault)
{
	struct child *other = first;

	while (other && (other->role != peer || other->instance != instance))
		other = other->next;
	if (!other || other->phase != CHILD_SERVING || child->phase != CHILD_SERVING)
		return true;
	cut(child, other);
	cut(other, child);
	return connect_two(child, other, fault);
}
