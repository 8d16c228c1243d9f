/* SPDX-License-Identifier: BSD-2-Clause */
/* Is there such a recipient? smtp asks auth (the directory) or queue, and queue asks relay. */
#ifndef IPC_MESSAGE_RECIPIENT_H
#define IPC_MESSAGE_RECIPIENT_H

#include "ipc/messages.h"

/* RECIPIENT_ASK is answered by RECIPIENT_TOLD, CALL_AHEAD by CALLED_AHEAD with the same content; always. */
struct message_recipient_ask {
	const char *path;    /* in wire form without brackets, not empty */
};
struct message_call_ahead {
	const char *path;
	const char *route;   /* name in the settings */
};

enum finding {
	FINDING_KNOWN,
	FINDING_UNKNOWN, /* whoever knows its recipients refuses this one for good */
	FINDING_LATER,   /* and this one for now */
	FINDING_UNSURE,  /* nobody can say just now */
	FINDING_COUNT,
};
struct message_recipient_told {
	enum finding finding;
	const char *enhanced; /* UNKNOWN, LATER: of the hop, or "" */
	const char *text;     /* for the log: what the hop said, or why nobody can say */
};

MESSAGE_PAIR(recipient_ask);
MESSAGE_PAIR(call_ahead);
MESSAGE_PAIR(recipient_told);

#endif
