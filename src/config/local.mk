# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += src/config/libconfig.a
src_config_libconfig_a_CFLAGS = $(AM_CFLAGS) $(CONFUSE_CFLAGS)
src_config_libconfig_a_SOURCES = \
	src/config/config.h \
	src/config/endpoint.h \
	src/config/network.h \
	src/config/routes.c src/config/routes.h \
	src/config/settings.c src/config/settings.h \
	src/config/slice.h

CONFIG_LIBS = src/config/libconfig.a $(CONFUSE_LIBS)
