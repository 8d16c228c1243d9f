/* SPDX-License-Identifier: BSD-2-Clause */
/* What a parser of a stream says after each piece of input. */
#ifndef WIRE_PARSE_H
#define WIRE_PARSE_H

enum parse {
	PARSE_DONE, /* one whole thing was read */
	PARSE_MORE, /* all input was taken, the thing goes on */
	PARSE_BAD,  /* the grammar or a limit was broken: the stream has no known position now */
};

#endif
