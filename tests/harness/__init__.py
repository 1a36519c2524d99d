# SPDX-License-Identifier: BSD-2-Clause
"""What the e2e tests are made of: labs, the daemon, bpfctl, traffic. See README.md."""
