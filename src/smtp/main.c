/* SPDX-License-Identifier: BSD-2-Clause */
/* sallyport-smtp: the front end for SMTP. */
#include "smtp/service.h"

int
main(int argc, char **argv)
{
	return role_main(&smtp_program, argc, argv);
}
