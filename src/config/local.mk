# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/config/libconfig.a
src_config_libconfig_a_CFLAGS = $(AM_CFLAGS) $(CONFUSE_CFLAGS)
src_config_libconfig_a_SOURCES = \
	src/config/check.c src/config/check.h \
	src/config/check_filter.c \
	src/config/check_listener.c \
	src/config/check_milter.c \
	src/config/complete.c src/config/complete.h \
	src/config/config.c src/config/config.h \
	src/config/endpoint.c src/config/endpoint.h \
	src/config/load.c src/config/load.h \
	src/config/network.c src/config/network.h \
	src/config/principal.c src/config/principal.h \
	src/config/routes.c src/config/routes.h \
	src/config/schema.c src/config/schema.h \
	src/config/schema_filter.c \
	src/config/schema_listener.c \
	src/config/schema_login.c \
	src/config/schema_mail.c \
	src/config/schema_milter.c \
	src/config/schema_rows.h \
	src/config/settings.c src/config/settings.h \
	src/config/settings_filter.h \
	src/config/settings_list.h src/config/settings_mail.h \
	src/config/show.c src/config/show.h \
	src/config/slice.c src/config/slice.h \
	src/config/source.c src/config/source.h \
	src/config/source_scan.c src/config/source_scan.h \
	src/config/suggest.c src/config/suggest.h \
	src/config/syntax.c src/config/syntax.h \
	src/config/target.c src/config/target.h \
	src/config/units.c src/config/units.h \
	src/config/value.c src/config/value.h \
	src/config/value_pack.c \
	src/config/value_text.c \
	src/config/written.c src/config/written.h

CONFIG_LIBS = src/config/libconfig.a $(WIRE_LIBS) $(CONFUSE_LIBS)
