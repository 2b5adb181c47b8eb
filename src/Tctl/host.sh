# What tctl does on a host. It is fed to sh through ssh, and then told which step to take; so it stays there as one process
# and one connection, whatever becomes of the ways in meanwhile. The programs are those that every host with sshd has.
umask 022
PATH=$PATH:/usr/sbin:/sbin
dir=/etc/ssh/certauthority
dropin=/etc/ssh/sshd_config.d/00-certauthority.conf
new=/etc/ssh/certauthority.new
before=/etc/ssh/certauthority.before
syncdir=/etc/ssh/certauthority-sync
login=certauthority-sync

say() { printf '%s\n' "$*" >&2; }

# Facts, a line each.
look() {
    echo "uid $(id -u)"
    echo "machine $(cat /etc/machine-id 2>/dev/null)"
    if [ -S /run/certauthority/ca.sock ] || [ -e /var/lib/certauthority/user_ca ]; then echo "daemon here"; fi
    command -v sshd >/dev/null || { say "there is no sshd"; return 1; }
    for tool in base64 ssh-keygen sync mv cp; do
        command -v "$tool" >/dev/null || { say "there is no $tool"; return 1; }
    done
    echo "version $(sshd -V 2>&1 | sed -n 's/.*OpenSSH_\([0-9][0-9.]*\).*/\1/p' | head -n 1)"
    sshd -t || return 1
    if sshd -T -C user=root,host=localhost,addr=127.0.0.1 | grep -qi '^subsystem sftp '; then echo "sftp yes"; fi
    if has_account || command -v useradd >/dev/null; then echo "account yes"; fi
    sshd -T -C user=root,host=localhost,addr=127.0.0.1 | sed -n 's/^hostkey //p' | while read -r key; do
        if [ -r "$key.pub" ]; then echo "key $(head -n 1 "$key.pub")"; fi
    done
}

has_account() { id -u "$login" >/dev/null 2>&1; }

# As whom the daemon writes. It has no password, which is not the same as a locked one: without PAM sshd refuses those.
make_account() {
    has_account && return
    group=--user-group
    if grep -q "^$login:" /etc/group; then group="--gid=$login"; fi
    useradd --system --no-create-home --home-dir / --shell /usr/sbin/nologin --password '*' "$group" "$login"
}

remove_account() {
    if has_account; then userdel "$login" >/dev/null 2>&1 || say "the account $login could not be removed"; fi
}

# A file on its way, from base64 on standard input.
stage() {
    mkdir -p "$new" && base64 -d >"$new/$1"
}

# In place of what was there. Whatever ends this shell before keep puts that back.
swap() {
    trap undo EXIT HUP INT TERM
    # Of one that was cut short by more than the end of a shell.
    restore || return 1
    if [ -e "$new/revoked.krl" ]; then ssh-keygen -Q -l -f "$new/revoked.krl" >/dev/null || { say "the revocation list did not arrive whole"; return 1; }; fi
    rm -rf "$before.part" && mkdir "$before.part" || return 1
    if [ -e "$dir" ]; then cp -a "$dir" "$before.part/dir" || return 1; fi
    if [ -e "$syncdir" ]; then cp -a "$syncdir" "$before.part/syncdir" || return 1; fi
    if [ -e "$dropin" ]; then cp -a "$dropin" "$before.part/dropin" || return 1; fi
    if has_account; then : >"$before.part/account" || return 1; fi
    sync && mv "$before.part" "$before" || return 1
    if [ -d "$new" ]; then
        mkdir -p "$dir" "${dropin%/*}" || return 1
        for file in "$new"/*; do
            case $file in
                */00-certauthority.conf) ;;
                */sync_ca.pub | */sync.krl) mkdir -p "$syncdir" && mv "$file" "$syncdir/" || return 1 ;;
                *) mv "$file" "$dir/" || return 1 ;;
            esac
        done
        if grep -q "^Match User $login\$" "$new/00-certauthority.conf"; then
            make_account && chown "$login" "$dir" || return 1
        else
            chown 0 "$dir" && rm -rf "$syncdir" || return 1
        fi
        sync
        # Last, for it names the others.
        mv "$new/00-certauthority.conf" "$dropin" || return 1
    else
        rm -f "$dropin" && rm -rf "$dir" "$syncdir" || return 1
    fi
    sync
    sshd -t || return 1
    reload
}

# What holds for a login from elsewhere, a line each.
effective() {
    sshd -T -C "user=$1,host=client.example.com,addr=192.0.2.1"
}

keep() {
    trap - EXIT HUP INT TERM
    [ -e "$syncdir" ] || remove_account
    rm -rf "$before" "$before.part" "$new"
}

undo() {
    trap - EXIT HUP INT TERM
    rm -rf "$new"
    restore && reload
}

# What was there before, if anything was touched.
restore() {
    rm -rf "$before.part"
    [ -e "$before" ] || return 0
    rm -f "$dropin"
    if [ -e "$before/dropin" ]; then cp -a "$before/dropin" "$dropin" || return 1; fi
    rm -rf "$dir"
    if [ -e "$before/dir" ]; then cp -a "$before/dir" "$dir" || return 1; fi
    rm -rf "$syncdir"
    if [ -e "$before/syncdir" ]; then cp -a "$before/syncdir" "$syncdir" || return 1; fi
    [ -e "$before/account" ] || remove_account
    sync
    rm -rf "$before"
}

reload() {
    for unit in ssh.service sshd.service; do
        if [ -d /run/systemd/system ] && systemctl is-active --quiet "$unit"; then
            systemctl reload "$unit"
            return
        fi
    done
    # Without systemd: the sshd that listens, above the one that serves this. Where there is none, each connection starts its own.
    pid=$$
    while [ "${pid:-0}" -gt 1 ]; do
        pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
        case $(tr '\0' ' ' <"/proc/${pid:-0}/cmdline" 2>/dev/null) in
            *'[listener]'*) kill -HUP "$pid"; return ;;
        esac
    done
}
