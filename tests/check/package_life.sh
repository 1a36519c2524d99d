#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# package_life.sh PACKAGE FOLDER: installs, upgrades, removes and purges the package in a copy of this root that lies in FOLDER, an
# overlay that nobody else sees and that is gone afterwards. Says what is wrong, a line each. In a mount namespace of its own:
# unshare --mount. There is no service manager in it: what that does to instances is for the virtual machine.
set -euo pipefail
package=$1 folder=$2

mount -t tmpfs none "$folder"
mkdir "$folder/changed" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/changed,workdir=$folder/work" "$folder/root"
for place in run sys tmp; do
    mount -t tmpfs none "$folder/root/$place"
done
mount --rbind /proc "$folder/root/proc"
cp "$package" "$folder/root/tmp/package.deb"

inside() { chroot "$folder/root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

# dpkg_does WHAT..: without a word if it works, and all of its words if not.
dpkg_does() {
    local said
    said=$(inside dpkg "$@" 2>&1) || echo "dpkg $*: ${said//$'\n'/; }"
}

expect_there() {
    local path
    for path in "$@"; do
        [[ -e $folder/root$path ]] || echo "$path is not there"
    done
}

is_group() { inside getent group pfild >"$folder/group" || return 1; }

# What may be an earlier installation's on this machine is no concern of this one.
inside dpkg -P pfild >"$folder/before" 2>&1 || true
dpkg_does -i /tmp/package.deb
expect_there /usr/sbin/pfild /usr/sbin/bpfctl /etc/pfild/default.toml /run/pfild /var/lib/pfild
is_group || echo "there is no group pfild"
inside pfild --version >"$folder/version" || echo "pfild does not run"
inside pfild --config /etc/pfild/default.toml --check >"$folder/checked" || echo "the configuration is not right"

# What an administrator does: enables an instance, edits.
echo 'log_level = "debug"' >>"$folder/root/etc/pfild/default.toml"
mkdir -p "$folder/root"/{etc/pfild,etc/systemd/system/multi-user.target.wants,var/lib/pfild}
ln -s /usr/lib/systemd/system/pfild@.service "$folder/root/etc/systemd/system/multi-user.target.wants/pfild@default.service"
touch "$folder/root/etc/pfild/lab.toml" "$folder/root/etc/default/pfild-lab" "$folder/root/var/lib/pfild/state"

dpkg_does -i /tmp/package.deb
grep -q '^log_level = "debug"' "$folder/root/etc/pfild/default.toml" || echo "an upgrade has undone what was edited"
dpkg_does -r pfild
expect_there /etc/pfild/default.toml /etc/pfild/lab.toml
[[ ! -e $folder/root/usr/sbin/pfild ]] || echo "removed, and the daemon is there still"
dpkg_does -P pfild
! is_group || echo "purged, and the group is there still"
while read -r left; do
    echo "purged, and there is still ${left#"$folder/root"}"
done < <(find "$folder/root"/{etc,usr/sbin,usr/lib,usr/share,var/lib,run} -xdev \( -name 'pfild*' -o -name 'bpfctl*' \) 2>/dev/null)
