# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/smtp/libsmtp.a
src_smtp_libsmtp_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_smtp_libsmtp_a_SOURCES = \
	src/smtp/authentication.c src/smtp/authentication.h \
	src/smtp/content.c src/smtp/content.h \
	src/smtp/control.c src/smtp/control.h \
	src/smtp/dial_link.c src/smtp/dial_link.h \
	src/smtp/dialogue.c src/smtp/dialogue.h \
	src/smtp/filter_report.c src/smtp/filter_report.h \
	src/smtp/filters.c src/smtp/filters.h \
	src/smtp/greeting.c src/smtp/greeting.h \
	src/smtp/handoff.c src/smtp/handoff.h \
	src/smtp/network_login.c src/smtp/network_login.h \
	src/smtp/queue_body.c src/smtp/queue_body.h \
	src/smtp/queue_link.c src/smtp/queue_link.h \
	src/smtp/recipient_stage.c src/smtp/recipient_stage.h \
	src/smtp/sent.c src/smtp/sent.h \
	src/smtp/service.c src/smtp/service.h \
	src/smtp/smtp.c src/smtp/smtp.h \
	src/smtp/transaction.c src/smtp/transaction.h \
	src/smtp/trial.c src/smtp/trial.h \
	src/smtp/trial_answer.c src/smtp/trial_answer.h \
	src/smtp/trial_message.c src/smtp/trial_message.h

SMTP_LIBS = src/smtp/libsmtp.a $(CLIENT_LIBS) $(POLICY_LIBS) $(IPC_LIBS)

pkglibexec_PROGRAMS += src/sallyport-smtp
src_sallyport_smtp_SOURCES = src/smtp/main.c
src_sallyport_smtp_LDADD = $(SMTP_LIBS)
