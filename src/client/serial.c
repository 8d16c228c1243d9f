/* SPDX-License-Identifier: BSD-2-Clause */
/* Names that no other session or message has. */
#include "client/serial.h"

/*
 * Base 32 in digits that sort as they count; without vowels' look-alikes i, l, o and u. A session
 * is process (5 digits) and counter (6); a message is time (9), process (5) and counter (3).
 */
enum {
	DIGIT_BITS = 5,
	PROCESS_DIGITS = 5,
	SESSION_DIGITS = 6,
	TIME_DIGITS = 9,
	MESSAGE_DIGITS = 3,
	MESSAGES_PER_MS = 1 << (MESSAGE_DIGITS * DIGIT_BITS),
};

_Static_assert(PROCESS_DIGITS + SESSION_DIGITS < SERIAL_SESSION_SIZE, "a session's name fits");
_Static_assert(TIME_DIGITS + PROCESS_DIGITS + MESSAGE_DIGITS < SERIAL_MESSAGE_SIZE,
	"a message's name fits");

void
serial_init(struct serial *serial, uint32_t random)
{
	*serial = (struct serial){ .process = random };
}

static char *
put_digits(char *to, uint64_t value, unsigned digits)
{
	static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

	for (unsigned i = digits; i-- > 0; value >>= DIGIT_BITS)
		to[i] = alphabet[value & ((1 << DIGIT_BITS) - 1)];
	to[digits] = '\0';
	return to + digits;
}

void
serial_session(struct serial *serial, char to[SERIAL_SESSION_SIZE])
{
	to = put_digits(to, serial->process, PROCESS_DIGITS);
	put_digits(to, serial->sessions++, SESSION_DIGITS);
}

void
serial_message(struct serial *serial, int64_t wall_ms, char to[SERIAL_MESSAGE_SIZE])
{
	if (wall_ms > serial->last_ms) {
		serial->last_ms = wall_ms;
		serial->messages = 0;
	}
	to = put_digits(to, (uint64_t)serial->last_ms, TIME_DIGITS);
	to = put_digits(to, serial->process, PROCESS_DIGITS);
	put_digits(to, serial->messages++, MESSAGE_DIGITS);
	if (serial->messages == MESSAGES_PER_MS) {
		serial->last_ms++;
		serial->messages = 0;
	}
}
