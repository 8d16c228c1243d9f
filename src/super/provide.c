/* SPDX-License-Identifier: BSD-2-Clause */
/* What a role is given before START. */
#include "super/provide.h"

#include <fcntl.h>
#include <unistd.h>

#include "config/slice.h"
#include "super/secrets.h"
#include "super/shared_gate.h"

struct provision {
	struct super *super;
	const struct supply *supply;
	struct channel *channel;
	enum role role;
	struct fault *fault;
};

/* The system user of a role; "" where we are an ordinary user ourselves. */
static const char *
user_of(const struct settings *settings, enum role role)
{
	switch ((unsigned)role) {
	case ROLE_SMTP:
		return settings->users.smtp;
	case ROLE_MAILBOX:
		return settings->users.mailbox;
	case ROLE_AUTH:
		return settings->users.auth;
	case ROLE_KEYS:
		return settings->users.keys;
	case ROLE_DIAL:
		return settings->users.dial;
	case ROLE_QUEUE:
		return settings->users.queue;
	case ROLE_RELAY:
		return settings->users.relay;
	default:
		return "";
	}
}

static bool
send_settings(struct provision *to, unsigned instance)
{
	struct message_settings message = { .generation = to->supply->generation,
		.instance = (uint8_t)instance,
		.user = user_of(to->supply->settings, to->role) };
	struct buf slice = BUF_INIT(SLICE_MAX_BYTES);
	struct buf content = BUF_INIT(0);
	bool done = settings_pack(to->supply->settings, to->role, &slice);

	if (done) {
		message.slice = buf_span(&slice);
		message_settings_pack(&content, &message);
		done = channel_send(to->channel, MSG_SETTINGS, &content, -1);
	}
	buf_fini(&slice);
	buf_fini(&content);
	return done ||
		fault_set(to->fault, FAULT_LIMIT, "settings for %s are too long",
			role_name(to->role));
}

/* fd is the role's then. */
static bool
pass_file(void *context, enum file_kind kind, const char *name, unsigned index, int fd)
{
	struct provision *to = context;
	struct message_file message = { kind, (uint16_t)index, name };
	struct buf content = BUF_INIT(0);
	bool done;

	message_file_pack(&content, &message);
	done = channel_send(to->channel, MSG_FILE, &content, fd);
	buf_fini(&content);
	return done ||
		fault_set(to->fault, FAULT_LIMIT, "too much waits for %s", role_name(to->role));
}

/* fd is borrowed: the role gets a duplicate. */
static bool
send_file(struct provision *to, enum file_kind kind, const char *name, unsigned index, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return fault_set_errno(to->fault, "dup");
	return pass_file(to, kind, name, index, copy);
}

static bool
serves(enum role role, const struct settings_listener *listener)
{
	return role == (listener->protocol == LISTENER_SMTP ? ROLE_SMTP : ROLE_MAILBOX);
}

static bool
send_listener(struct provision *to, const struct settings_listener *listener)
{
	struct span key = secrets_ticket_key(to->super->secrets, listener->title);

	for (unsigned index = 0; index < listener->address.count; index++) {
		if (!send_file(to, FILE_LISTENER, listener->title, index,
			    listeners_fd(to->supply->listeners, listener->title, index)))
			return false;
	}
	return key.length == 0 ||
		provide_secret(to->channel, SECRET_TICKET_KEY, listener->title, key);
}

/* Nothing to send where that log is off. */
static bool
send_protocol_log(struct provision *to, const char *name)
{
	int fd = logs_protocol_fd(to->supply->logs, name);

	return fd < 0 || send_file(to, FILE_PROTOCOL_LOG, name, 0, fd);
}

static bool
send_logs(struct provision *to)
{
	if (!send_file(to, FILE_EVENT_LOG, "", 0, logs_event_fd(to->supply->logs)))
		return false;
	switch ((unsigned)to->role) {
	case ROLE_SMTP:
		return send_protocol_log(to, logs_protocol_name(LISTENER_SMTP));
	case ROLE_MAILBOX:
		return send_protocol_log(to, logs_protocol_name(LISTENER_IMAP)) &&
			send_protocol_log(to, logs_protocol_name(LISTENER_POP3));
	case ROLE_RELAY:
		return send_protocol_log(to, LOGS_RELAY);
	default:
		return true;
	}
}

static bool
send_front_end(struct provision *to)
{
	const struct settings *settings = to->supply->settings;

	if (to->role != ROLE_SMTP && to->role != ROLE_MAILBOX)
		return true;
	for (size_t i = 0; i < settings->listener.count; i++) {
		if (serves(to->role, &settings->listener.items[i]) &&
			!send_listener(to, &settings->listener.items[i]))
			return false;
	}
	return send_file(to, FILE_GATE, "", 0, shared_gate_fd(to->super->gate));
}

static bool
send_lookup(struct provision *to)
{
	return to->role != ROLE_AUTH || !to->supply->lookup ||
		send_file(to, FILE_LOOKUP, "", 0, lookup_socket_fd(to->supply->lookup));
}

static bool
send_grant_key(struct provision *to)
{
	return (to->role != ROLE_AUTH && to->role != ROLE_QUEUE) ||
		provide_secret(to->channel, SECRET_GRANT_KEY, "",
			secrets_grant_key(to->super->secrets));
}

bool
provide(struct super *super, const struct supply *supply, struct channel *channel,
	unsigned instance, struct fault *fault)
{
	struct provision to = { super, supply, channel, channel_peer(channel), fault };

	return send_settings(&to, instance) && send_logs(&to) &&
		files_pass(supply->files, to.role, pass_file, &to, fault) && send_front_end(&to) &&
		send_lookup(&to) && send_grant_key(&to);
}

bool
provide_secret(struct channel *channel, enum secret_kind kind, const char *name,
	struct span bytes)
{
	struct message_secret message = { kind, name, bytes };
	struct buf content = BUF_INIT(0);
	bool done;

	message_secret_pack(&content, &message);
	done = channel_send(channel, MSG_SECRET, &content, -1);
	buf_fini(&content);
	return done;
}

bool
provide_logs(struct super *super, struct channel *channel, struct fault *fault)
{
	struct provision to = { super, &super->now, channel, channel_peer(channel), fault };

	return send_logs(&to);
}
