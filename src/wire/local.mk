# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/wire/libwire.a
src_wire_libwire_a_CFLAGS = $(AM_CFLAGS) $(IDN2_CFLAGS)
src_wire_libwire_a_SOURCES = \
	src/wire/address.c src/wire/address.h \
	src/wire/address_pattern.c src/wire/address_pattern.h \
	src/wire/address_qualify.c src/wire/address_qualify.h \
	src/wire/base64.c src/wire/base64.h \
	src/wire/display_name.c src/wire/display_name.h \
	src/wire/domain.c src/wire/domain.h \
	src/wire/encoded_word.c src/wire/encoded_word.h \
	src/wire/header.c src/wire/header.h \
	src/wire/mail_date.c src/wire/mail_date.h \
	src/wire/mailboxes.c src/wire/mailboxes.h \
	src/wire/message_id.c src/wire/message_id.h \
	src/wire/milter_answer.c src/wire/milter_answer.h \
	src/wire/milter_packet.c src/wire/milter_packet.h \
	src/wire/milter_words.c src/wire/milter_words.h \
	src/wire/octet.c src/wire/octet.h \
	src/wire/parse.h \
	src/wire/proxy_header.c src/wire/proxy_header.h \
	src/wire/smtp_command.c src/wire/smtp_command.h \
	src/wire/smtp_data.c src/wire/smtp_data.h \
	src/wire/smtp_lenient.c src/wire/smtp_lenient.h \
	src/wire/smtp_parameter.c src/wire/smtp_parameter.h \
	src/wire/smtp_reply.c src/wire/smtp_reply.h \
	src/wire/smtp_stuffer.c src/wire/smtp_stuffer.h \
	src/wire/utf8.c src/wire/utf8.h \
	src/wire/xtext.c src/wire/xtext.h

WIRE_LIBS = src/wire/libwire.a $(BASE_LIBS) $(IDN2_LIBS) $(UNISTRING_LIBS)
