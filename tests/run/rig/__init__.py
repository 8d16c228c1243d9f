# SPDX-License-Identifier: BSD-2-Clause
"""The daemon under test, and the peers around it, each in a folder of its own and on free ports."""
