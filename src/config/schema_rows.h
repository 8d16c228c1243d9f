/* SPDX-License-Identifier: BSD-2-Clause */
/* How the rows of the schema table are written down; only the schema_*.c files read this. */
#ifndef CONFIG_SCHEMA_ROWS_H
#define CONFIG_SCHEMA_ROWS_H

#include "config/schema.h"
#include "config/syntax.h"

/* Who sees a row. The administrator's tool reads the file itself and sees all. */
enum {
	TO_CTL = 1u << ROLE_CTL,
	TO_SUPER = ROLE_BIT(ROLE_SUPER) | TO_CTL,
	TO_SMTP = ROLE_BIT(ROLE_SMTP) | TO_CTL,
	TO_MAILBOX = ROLE_BIT(ROLE_MAILBOX) | TO_CTL,
	TO_AUTH = ROLE_BIT(ROLE_AUTH) | TO_CTL,
	TO_KEYS = ROLE_BIT(ROLE_KEYS) | TO_CTL,
	TO_DIAL = ROLE_BIT(ROLE_DIAL) | TO_CTL,
	TO_QUEUE = ROLE_BIT(ROLE_QUEUE) | TO_CTL,
	TO_RELAY = ROLE_BIT(ROLE_RELAY) | TO_CTL,
	TO_FRONT = TO_SMTP | TO_MAILBOX,
	TO_ALL = (1u << (ROLE_CTL + 1)) - 1,
};

#define SECOND 1000ull
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* Each schema_*.c defines ITEM as the struct that its rows fill. The default is a text or NULL. */
#define ROW(kind_, name_, member, standard_, roles_, help_, ...)                                   \
	{ .name = name_, .kind = kind_, .offset = offsetof(ITEM, member), .standard = standard_,    \
		.roles = roles_, .help = help_, ##__VA_ARGS__ }
#define TEXT(name_, member, check_, standard_, roles_, help_)                                      \
	ROW(SCHEMA_TEXT, name_, member, standard_, roles_, help_, .check = check_)
#define NUMBER(name_, member, least_, most_, standard_, roles_, help_)                             \
	ROW(SCHEMA_NUMBER, name_, member, standard_, roles_, help_, .least = least_, .most = most_)
#define DURATION(name_, member, least_, most_, standard_, roles_, help_)                           \
	ROW(SCHEMA_DURATION, name_, member, standard_, roles_, help_, .least = least_, .most = most_)
#define SIZE(name_, member, least_, most_, standard_, roles_, help_)                               \
	ROW(SCHEMA_SIZE, name_, member, standard_, roles_, help_, .least = least_, .most = most_)
#define YES_NO(name_, member, standard_, roles_, help_)                                            \
	ROW(SCHEMA_YES_NO, name_, member, standard_, roles_, help_)
#define CHOICE(name_, member, words_, standard_, roles_, help_)                                    \
	ROW(SCHEMA_CHOICE, name_, member, standard_, roles_, help_, .words = words_)
#define FLAGS(name_, member, words_, standard_, roles_, help_)                                     \
	ROW(SCHEMA_FLAGS, name_, member, standard_, roles_, help_, .words = words_)
#define TEXTS(name_, member, check_, most_, standard_, roles_, help_)                              \
	ROW(SCHEMA_TEXTS, name_, member, standard_, roles_, help_, .check = check_, .most = most_)
#define NETWORKS(name_, member, most_, standard_, roles_, help_)                                   \
	ROW(SCHEMA_NETWORKS, name_, member, standard_, roles_, help_, .most = most_)

#define WORDS(...) ((const struct schema_word[]){ __VA_ARGS__, { NULL, 0 } })
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
