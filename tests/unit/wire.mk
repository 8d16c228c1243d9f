# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/test_wire_address
tests_unit_test_wire_address_SOURCES = tests/unit/test_wire_address.c
tests_unit_test_wire_address_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_domain
tests_unit_test_wire_domain_SOURCES = tests/unit/test_wire_domain.c
tests_unit_test_wire_domain_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_smtp_command
tests_unit_test_wire_smtp_command_SOURCES = tests/unit/test_wire_smtp_command.c tests/unit/command_fixture.h
tests_unit_test_wire_smtp_command_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_smtp_parameter
tests_unit_test_wire_smtp_parameter_SOURCES = tests/unit/test_wire_smtp_parameter.c tests/unit/command_fixture.h
tests_unit_test_wire_smtp_parameter_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_smtp_reply
tests_unit_test_wire_smtp_reply_SOURCES = tests/unit/test_wire_smtp_reply.c
tests_unit_test_wire_smtp_reply_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_xtext
tests_unit_test_wire_xtext_SOURCES = tests/unit/test_wire_xtext.c
tests_unit_test_wire_xtext_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_smtp_data
tests_unit_test_wire_smtp_data_SOURCES = tests/unit/test_wire_smtp_data.c tests/unit/smtp_content.h
tests_unit_test_wire_smtp_data_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_smtp_stuffer
tests_unit_test_wire_smtp_stuffer_SOURCES = tests/unit/test_wire_smtp_stuffer.c tests/unit/smtp_content.h
tests_unit_test_wire_smtp_stuffer_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_mailboxes
tests_unit_test_wire_mailboxes_SOURCES = tests/unit/test_wire_mailboxes.c
tests_unit_test_wire_mailboxes_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_header
tests_unit_test_wire_header_SOURCES = tests/unit/test_wire_header.c
tests_unit_test_wire_header_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_base64
tests_unit_test_wire_base64_SOURCES = tests/unit/test_wire_base64.c
tests_unit_test_wire_base64_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_mail_date
tests_unit_test_wire_mail_date_SOURCES = tests/unit/test_wire_mail_date.c
tests_unit_test_wire_mail_date_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_message_id
tests_unit_test_wire_message_id_SOURCES = tests/unit/test_wire_message_id.c
tests_unit_test_wire_message_id_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_proxy_header
tests_unit_test_wire_proxy_header_SOURCES = tests/unit/test_wire_proxy_header.c
tests_unit_test_wire_proxy_header_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_mailboxes_from
tests_unit_test_wire_mailboxes_from_SOURCES = tests/unit/test_wire_mailboxes_from.c
tests_unit_test_wire_mailboxes_from_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_encoded_word
tests_unit_test_wire_encoded_word_SOURCES = tests/unit/test_wire_encoded_word.c
tests_unit_test_wire_encoded_word_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_display_name
tests_unit_test_wire_display_name_SOURCES = tests/unit/test_wire_display_name.c
tests_unit_test_wire_display_name_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_smtp_lenient
tests_unit_test_wire_smtp_lenient_SOURCES = tests/unit/test_wire_smtp_lenient.c
tests_unit_test_wire_smtp_lenient_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_address_qualify
tests_unit_test_wire_address_qualify_SOURCES = tests/unit/test_wire_address_qualify.c
tests_unit_test_wire_address_qualify_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_milter_packet
tests_unit_test_wire_milter_packet_SOURCES = tests/unit/test_wire_milter_packet.c
tests_unit_test_wire_milter_packet_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_milter_words
tests_unit_test_wire_milter_words_SOURCES = tests/unit/test_wire_milter_words.c
tests_unit_test_wire_milter_words_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_wire_milter_answer
tests_unit_test_wire_milter_answer_SOURCES = tests/unit/test_wire_milter_answer.c
tests_unit_test_wire_milter_answer_LDADD = $(WIRE_LIBS) $(UNIT_LIBS)
