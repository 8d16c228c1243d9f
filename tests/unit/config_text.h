/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration that is good, in parts that tests exchange. */
#ifndef UNIT_CONFIG_TEXT_H
#define UNIT_CONFIG_TEXT_H

#include "config/config.h"
#include "config_file.h"

#define HEAD "hostname = \"mail.example.org\"\n"
#define TLS "tls \"main\" { certificate = \"/c\" key = \"/k\" }\n"
#define LISTENER "listener \"in\" { address = \"*:587\" }\n"
/* A right configuration of three lines; what is wrong stands on line 4. */
#define GOOD HEAD TLS LISTENER

static inline struct settings *
load(const char *text)
{
	struct fault fault = FAULT_INIT;
	struct settings *settings;

	config_file_write("c.conf", text);
	settings = config_load("c.conf", &fault);
	if (!settings)
		fail_msg("%s", fault.text);
	return settings;
}

#endif
