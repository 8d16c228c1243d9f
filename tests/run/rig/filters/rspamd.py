# SPDX-License-Identifier: BSD-2-Clause
"""A private rspamd: the proxy scans by itself, and nothing of it asks the network."""
import os

from rig import ground
from rig.filters import private, recipe

CONFIG = "/etc/rspamd/rspamd.conf"
PARTS = ("worker-proxy.inc", "worker-normal.inc", "milter_headers.conf", "actions.conf")
# What would ask Redis, name servers or other machines.
SILENT = ("antivirus", "arc", "asn", "bayes", "clickhouse", "dcc", "dkim", "dkim_signing", "dmarc", "elastic",
          "external_services", "fuzzy_check", "greylist", "history_redis", "hfilter", "maillist", "mx_check",
          "neural", "once_received", "phishing", "p0f", "ratelimit", "rbl", "replies", "reputation",
          "rspamd_update", "spf", "surbl", "trie", "url_redirector", "url_reputation", "whitelist")


def missing():
    return private.missing("rspamd") or (None if os.path.exists(CONFIG) else "rspamd has no configuration here")


class Rspamd(private.Filter):
    """hyperscan: compile the expressions first, which takes a while; else they are matched as they are."""
    name = "rspamd"

    def __init__(self, unix=False, hyperscan=False, workers=1, changes=(), extra=None):
        super().__init__(unix)
        socket = f"{self.path}/socket mode=0666" if unix else f"127.0.0.1:{self.port}"
        edits = {"127.0.0.1:11332": socket, **dict(changes)}
        texts = {name: recipe.text(f"/etc/rspamd/local.d/{name}") for name in PARTS}
        for there, instead in edits.items():
            assert any(there in text for text in texts.values()), there
            texts = {name: text.replace(there, instead) for name, text in texts.items()}
        for name, text in {**texts, **(extra or {})}.items():
            self.write(f"conf/local.d/{name}", text, 0o644)
        self.write("conf/local.d/worker-proxy.inc", texts["worker-proxy.inc"] + f"count = {workers};\n", 0o644)
        self.write("conf/local.d/worker-controller.inc", f'bind_socket = "{self.path}/controller mode=0666";\n'
                   'enabled = true;\n', 0o644)
        self.write("conf/local.d/logging.inc", 'type = "console";\nlevel = "info";\ncolor = false;\n', 0o644)
        suffixes = self.write("suffixes", "com\nnet\norg\nexample\n", 0o644)
        self.write("conf/local.d/options.inc",
                   'dns { nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }\n'
                   f'disable_hyperscan = {"false" if hyperscan else "true"};\nfilters = "chartable,regexp";\n'
                   f'control_socket = "{self.path}/control mode=0600";\npidfile = "{self.path}/pid";\n'
                   f'url_tld = "{suffixes}";\n', 0o644)   # all 9,600 of them take nine seconds
        for name in SILENT:
            self.write(f"conf/local.d/{name}.conf", "enabled = false;\n", 0o644)
        self.write("conf/local.d/statistic.conf", "", 0o644)
        self.write("conf/override.d/statistic.conf", "", 0o644)
        for folder in ("db", "run", "log"):
            os.mkdir(ground.give(self.path) + "/" + folder)
            ground.give(os.path.join(self.path, folder))
        os.chmod(self.path, 0o755)
        for folder in ("conf", "conf/local.d", "conf/override.d"):
            os.chmod(os.path.join(self.path, folder), 0o755)

    def start(self, seconds=30):
        names = {"LOCAL_CONFDIR": "conf", "DBDIR": "db", "RUNDIR": "run", "LOGDIR": "log"}
        self._start(["rspamd", "-f", "-i", "-c", CONFIG] + [f"--var={name}={self.path}/{folder}" for name, folder in
                                                            names.items()], seconds=seconds)
        return self

    def section(self, name="rspamd"):
        return recipe.text("sallyport.conf, rspamd", {'"rspamd"': f'"{name}"', "inet:127.0.0.1:11332": self.address})
