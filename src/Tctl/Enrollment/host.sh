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
jump=certauthority-jump
# Client address and port, server address and port, as sshd gave them: an argument, because sudo takes them out of the environment.
connection=${1:-192.0.2.1 50000 192.0.2.2 22}
from=${connection%% *}
from=${from%%%*}
server=${connection#* * }

say() { printf '%s\n' "$*" >&2; }

# Facts, a line each.
look() {
    echo "machine $(cat /etc/machine-id 2>/dev/null)"
    echo "boot $(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
    for file in /run/certauthority/ca.sock /var/lib/certauthority/user_ca; do
        if [ -e "$file" ]; then echo "daemon $file"; fi
    done
    command -v sshd >/dev/null || { say "there is no sshd"; return 1; }
    for tool in base64 ssh-keygen sync mv cp stat; do
        command -v "$tool" >/dev/null || { say "there is no $tool"; return 1; }
    done
    echo "version $(sshd -V 2>&1 | sed -n 's/.*OpenSSH_\([0-9][0-9.]*\).*/\1/p' | head -n 1)"
    sshd -t || return 1
    echo "from $from"
    if has_account "$login" || command -v useradd >/dev/null; then echo "account yes"; fi
    settings=$(settings_for root "$from") || return 1
    printf '%s\n' "$settings" | sed 's/^/setting /'
    printf '%s\n' "$settings" | grep -i '^hostkey ' | while read -r _ key; do
        if [ -r "$key.pub" ]; then echo "key $(head -n 1 "$key.pub")"; fi
    done
    printf '%s\n' "$settings" | grep -i '^hostcertificate ' | while read -r _ certificate; do
        case $certificate in
            "$dir"/*) ;;
            *) if [ -r "$certificate" ]; then read -r type _ <"$certificate" && echo "hostcert $type"; fi ;;
        esac
    done
    printf '%s\n' "$settings" | grep -i '^trustedusercakeys ' | while read -r _ keys; do
        case $keys in
            none | "$dir"/*) ;;
            *) if [ -r "$keys" ]; then grep -v -e '^[[:space:]]*#' -e '^[[:space:]]*$' "$keys" | sed 's/^/otherca /'; fi ;;
        esac
    done
    if [ -e "$dropin" ]; then sed -n 's/^PerSourcePenaltyExemptList /exempt /p' "$dropin"; fi
    configuration /etc/ssh/sshd_config | while read -r file; do
        grep -niE '^[[:space:]]*(TrustedUserCAKeys|RevokedKeys|HostCertificate|AuthorizedPrincipalsCommand)[[:space:]=]' "$file" |
            sed -n "s|^\([0-9]*\):|line $file:\1 |p"
    done
    in_matches /etc/ssh/sshd_config '' | sed 's/^/match /'
}

# What holds for a login, a line each: the account, the client's address. A Match block can ask for each of these.
settings_for() {
    sshd -T -C "user=$1,host=$2,addr=$2,laddr=${server% *},lport=${server##* },rdomain="
}

# --- Whom sshd on a host goes by. The same lines are in host.sh and in certauthority-join.
# sshd -T can say what holds for one login, and not for every login that a Match block names. What stands in such a block holds in place of
# the drop-in, wherever the block is. So each line there that decides who enters is named, but for those that only close a way.

# The lines of a file: the number, the keyword in small letters, and the rest, as sshd parts them.
parted() {
    blanks=$(printf '"\t\r')
    grep -n '' "$1" | sed -n "y/$blanks/   /"'
        s/^\([0-9]*\): *\([^ =#][^ =]*\) *=\{0,1\} *\(.*\)$/\1 \2 \3/
        t parted
        d
        : parted
        s/ *$//
        h
        s/^\([0-9]* [^ ]*\).*$/\1/
        y/ABCDEFGHIJKLMNOPQRSTUVWXYZ/abcdefghijklmnopqrstuvwxyz/
        G
        s/\n[0-9]* [^ ]*//
        p'
}

# The lines in Match blocks of the file $1 and of those that it includes, without our drop-in. With $2, the file itself is in such a block.
in_matches() (
    within=$2
    if [ ! -f "$1" ] || [ "$1" = "$dropin" ]; then return 0; fi
    parted "$1" | while read -r at word rest; do
        case $word in
            # Our own accounts, where the lines of the drop-in stand in the file itself.
            match) case $rest in 'User certauthority-sync' | 'User certauthority-jump') within='' ;; *) within=yes ;; esac ;;
            include)
                set -f
                for pattern in $rest; do
                    set +f
                    case $pattern in /*) ;; *) pattern=/etc/ssh/$pattern ;; esac
                    for included in $pattern; do in_matches "$included" "$within"; done
                done
                set +f
                ;;
            trustedusercakeys | authorizedkeysfile | authorizedkeyscommand | authorizedprincipalsfile)
                [ -z "$within" ] || [ "$rest" = none ] || printf '%s:%s %s %s\n' "$1" "$at" "$word" "$rest"
                ;;
            revokedkeys | authorizedprincipalscommand | authorizedprincipalscommanduser)
                [ -z "$within" ] || printf '%s:%s %s %s\n' "$1" "$at" "$word" "$rest"
                ;;
        esac
    done
)
# --- The end of these lines.

# The files of a configuration, the included ones too, without our drop-in. sshd -t has seen that this ends.
configuration() {
    if [ ! -f "$1" ] || [ "$1" = "$dropin" ]; then return 0; fi
    printf '%s\n' "$1"
    sed -n 's/^[[:space:]]*[Ii][Nn][Cc][Ll][Uu][Dd][Ee][[:space:]=]*//p' "$1" | tr -d '"' | while read -r patterns; do
        for pattern in $patterns; do
            case $pattern in
                /*) ;;
                *) pattern=/etc/ssh/$pattern ;;
            esac
            for included in $pattern; do configuration "$included"; done
        done
    done
}

has_account() { id -u "$1" >/dev/null 2>&1; }

# As whom the daemon writes, and as whom others go through. It has no password, which is not the same as a locked one: without PAM sshd
# refuses those.
make_account() {
    has_account "$1" && return
    group=--user-group
    if grep -q "^$1:" /etc/group; then group="--gid=$1"; fi
    useradd --system --no-create-home --home-dir / --shell /usr/sbin/nologin --password '*' "$group" "$1"
}

# While the daemon is in, userdel refuses; that is over in a moment.
remove_account() {
    for wait in 1 1 0; do
        has_account "$1" || return 0
        why=$(userdel "$1" 2>&1) || sleep "$wait"
    done
    if has_account "$1"; then say "the account $1 could not be removed: $why"; fi
}

# A file on its way, from base64 on standard input.
stage() {
    mkdir -p "$new" && base64 -d >"$new/$1"
}

# A folder that the daemon may be writing to right now. What it has under way there (NAME.new) can be gone a moment later.
copy() {
    mkdir "$2" || return 1
    for file in "$1"/*; do
        case $file in
            *.new | "$1/*") ;;
            # cp refuses a file that is replaced meanwhile, and finds the new one when it tries again.
            *)
                tries=1
                until cp -a "$file" "$2/" 2>/dev/null; do
                    [ "$tries" -lt 20 ] || cp -a "$file" "$2/" || return 1
                    tries=$((tries + 1))
                done
                ;;
        esac
    done
    chown "$(stat -c %u:%g "$1")" "$2" && chmod "$(stat -c %a "$1")" "$2"
}

# Out of the daemon's hands first: a folder that it writes to cannot be emptied for good.
drop() {
    [ -e "$1" ] || return 0
    chown 0 "$1" && rm -rf "$1"
}

# In place of what was there. Whatever ends this shell before keep puts that back.
swap() {
    trap undo EXIT HUP INT TERM
    # Of one that was cut short by more than the end of a shell.
    restore || return 1
    if [ -e "$new/revoked.krl" ]; then ssh-keygen -Q -l -f "$new/revoked.krl" >/dev/null || { say "the revocation list did not arrive whole"; return 1; }; fi
    rm -rf "$before.part" && mkdir "$before.part" || return 1
    if [ -e "$dir" ]; then copy "$dir" "$before.part/dir" || return 1; fi
    if [ -e "$syncdir" ]; then copy "$syncdir" "$before.part/syncdir" || return 1; fi
    if [ -e "$dropin" ]; then cp -a "$dropin" "$before.part/dropin" || return 1; fi
    if has_account "$login"; then : >"$before.part/account" || return 1; fi
    if has_account "$jump"; then : >"$before.part/jump" || return 1; fi
    sync && mv "$before.part" "$before" || return 1
    if [ -d "$new" ]; then
        mkdir -p "$dir" "${dropin%/*}" || return 1
        # It may be enrolled under another name now, or its groups may come in another way.
        rm -f "$dir/groups" "$dir/groups.signed" || return 1
        for file in "$new"/*; do
            case $file in
                */00-certauthority.conf) ;;
                */sync_ca.pub | */sync.krl) mkdir -p "$syncdir" && mv "$file" "$syncdir/" || return 1 ;;
                *) mv "$file" "$dir/" || return 1 ;;
            esac
        done
        if grep -q "^Match User $login\$" "$new/00-certauthority.conf"; then
            make_account "$login" && chown "$login" "$dir" || return 1
        else
            chown 0 "$dir" && drop "$syncdir" || return 1
        fi
        if grep -q "^Match User $jump\$" "$new/00-certauthority.conf"; then make_account "$jump" || return 1; fi
        sync
        # Last, for it names the others.
        mv "$new/00-certauthority.conf" "$dropin" || return 1
    else
        rm -f "$dropin" && drop "$dir" && drop "$syncdir" || return 1
    fi
    sync
    sshd -t || return 1
    reload
}

# What holds for a login from anywhere, and from here.
effective() { settings_for "$1" 192.0.2.1; }
effective_here() { settings_for "$1" "$from"; }

groups_of() { id -Gn "$1" 2>/dev/null || echo; }

keep() {
    trap - EXIT HUP INT TERM
    [ -e "$syncdir" ] || remove_account "$login"
    grep -q "^Match User $jump\$" "$dropin" 2>/dev/null || remove_account "$jump"
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
    drop "$dir" || return 1
    if [ -e "$before/dir" ]; then cp -a "$before/dir" "$dir" || return 1; fi
    drop "$syncdir" || return 1
    if [ -e "$before/syncdir" ]; then cp -a "$before/syncdir" "$syncdir" || return 1; fi
    [ -e "$before/account" ] || remove_account "$login"
    [ -e "$before/jump" ] || remove_account "$jump"
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
