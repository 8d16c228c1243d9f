# SPDX-License-Identifier: BSD-2-Clause
# What an installation needs besides the programs: the unit, the users, the directories.
systemdsystemunit_DATA = conf/sallyport.service
sysusers_DATA = conf/sysusers.d/sallyport.conf
tmpfiles_DATA = conf/tmpfiles.d/sallyport.conf

if WITH_FILTER
systemdsystemunit_DATA += conf/sallyport-milter.service
endif

dist_doc_DATA = conf/sallyport.conf conf/sallyport-milter.conf

CLEANFILES += $(systemdsystemunit_DATA) $(sysusers_DATA) $(tmpfiles_DATA)
EXTRA_DIST += conf/sallyport.service.in conf/sallyport-milter.service.in \
	conf/sallyport.sysusers.in conf/sallyport.tmpfiles.in

CONF_FILL = $(AM_V_GEN)$(MKDIR_P) $(@D) && \
	sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@bindir[@]|$(bindir)|g' \
		-e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@localstatedir[@]|$(localstatedir)|g' \
		-e 's|@runstatedir[@]|$(runstatedir)|g'

conf/sallyport.service: conf/sallyport.service.in Makefile
	$(CONF_FILL) $(srcdir)/conf/sallyport.service.in >$@

conf/sysusers.d/sallyport.conf: conf/sallyport.sysusers.in Makefile
	$(CONF_FILL) $(srcdir)/conf/sallyport.sysusers.in >$@

conf/tmpfiles.d/sallyport.conf: conf/sallyport.tmpfiles.in Makefile
	$(CONF_FILL) $(srcdir)/conf/sallyport.tmpfiles.in >$@

conf/sallyport-milter.service: conf/sallyport-milter.service.in Makefile
	$(CONF_FILL) $(srcdir)/conf/sallyport-milter.service.in >$@
