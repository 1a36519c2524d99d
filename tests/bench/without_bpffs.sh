#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# without_bpffs.sh COMMAND..: runs it as on a machine where nobody has mounted a BPF file system. 77: it is not root's to do.
set -eu
[ "$(id -u)" -eq 0 ] || exit 77
if [ "${BENCH_MOUNTS:-}" != private ]; then
    BENCH_MOUNTS=private exec unshare --mount -- "$0" "$@"
fi
while umount --lazy /sys/fs/bpf 2>/dev/null; do :; done
if mount -t bpf | grep -q /sys/fs/bpf; then
    echo "without_bpffs.sh: a BPF file system is still mounted" >&2
    exit 1
fi
exec "$@"
