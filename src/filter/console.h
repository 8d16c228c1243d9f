/* SPDX-License-Identifier: BSD-2-Clause */
/* What the administrator asks of sallyport-milter by hand. */
#ifndef FILTER_CONSOLE_H
#define FILTER_CONSOLE_H

#include <stdio.h>

enum console_exit {
	CONSOLE_YES = 0,
	CONSOLE_NO = 1,
	CONSOLE_USAGE = 2,
};

struct console_question {
	const char *login;    /* "": a client without one */
	const char *address;  /* MAIL FROM */
	const char *from;     /* value of From; NULL: the envelope alone */
	const char *client;   /* NULL: none */
	const char *listener; /* NULL: none */
};

/* Is the file right, for this program? */
enum console_exit console_test(const char *config, FILE *out, FILE *err);
/* The verdict, what the client would be told, and what decided. */
enum console_exit console_check(const char *config, const struct console_question *question,
	FILE *out, FILE *err);
/* The mailboxes that are seen in the value of a From field, or why none are. */
enum console_exit console_parse_from(const char *value, FILE *out, FILE *err);

#endif
