# SPDX-License-Identifier: BSD-2-Clause
"""What scripts/bench measures and how it tells. See README.md."""
