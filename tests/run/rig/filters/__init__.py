# SPDX-License-Identifier: BSD-2-Clause
"""Real filters, each a private instance with the configuration that doc/milters.md recommends."""
