/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a permit or deny section is for: its title. */
#ifndef CONFIG_PRINCIPAL_H
#define CONFIG_PRINCIPAL_H

#include "config/settings.h"

/* item is a struct settings_permit with its title; fills principal. */
bool principal_on_title(void *item, struct arena *arena, struct fault *fault);

#endif
