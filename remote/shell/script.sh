# The far side of package shell. It is sent as it stands: nothing is ever put
# into it. An operation and its parameters follow on standard input, a line
# each, and every answer is one line: the nonce, the exit status, a text.
# POSIX sh; dash, bash, busybox and zsh read it alike.

# First of all, so that a login script that swallowed the beginning is noticed:
# without these two lines the shell is never ready.
nonce=sftpgate-shell
answer() { printf '%s %d %s\n' "$nonce" "$1" "$2"; }

# fields splits the fields of /proc/PID/stat behind the command name, which may
# hold anything: $1 is then the state, $4 the session, ${20} the start time.
fields() { stat= && { IFS= read -r stat <"$1"; } 2>/dev/null && stat=${stat##*) }; }

# alive SESSION START: is a process of that session left that could still write?
alive() {
	if fields "/proc/$1/stat"; then
		set -f && set -- "$1" "$2" $stat && set +f
		[ "${22}" = "$2" ] || return 1 # the number was given to another: the session is gone
	fi
	session=$1
	for process in /proc/[0-9]*/stat; do
		fields "$process" || continue
		set -f && set -- $stat && set +f
		case $1 in Z | X) continue ;; esac
		[ "$4" != "$session" ] || return 0
	done
	return 1
}

# disturbed FILE: has anybody but copy changed it since the stamp was taken? By
# its time of change. What changes it while a copy runs is not seen: the stamp is
# taken after the copy.
stamp=
disturbed() { [ -n "$stamp" ] && { [ ! -e "$stamp" ] || [ "$1" -nt "$stamp" ] || [ "$1" -ot "$stamp" ]; }; }

# begin FILE: there is a stamp from now on, and this shell can compare with it
begin() {
	[ -n "$stamp" ] && { [ -e "$stamp" ] || touch -r "$1" "$stamp" </dev/null; } || return 1
	[ . -nt . ]
	[ $? -eq 1 ] # 2: it cannot
}

# digest TOOL: the SHA-256 of standard input, in hexadecimal and first on its line
digest() {
	case $1 in
	openssl) openssl dgst -sha256 -r ;;
	sha256sum) sha256sum ;;
	shasum) shasum -a 256 ;;
	*) false ;;
	esac
}

# feed FILE: its bytes from the beginning on, in the pieces that are asked for:
# a line with a number of MiB and one with a number of bytes, each answered (on
# 4: standard output goes to digest); an empty line ends it. Every read goes on
# where the one before has ended.
feed() {
	{
		answer 0 '' >&4
		while IFS= read -r mib && [ -n "$mib" ] && IFS= read -r bytes; do
			{ [ "$mib" = 0 ] || dd bs=1048576 count="$mib" <&3; } 2>/dev/null 4>&- &&
				{ [ "$bytes" = 0 ] || dd bs="$bytes" count=1 <&3; } 2>/dev/null 4>&-
			answer $? '' >&4
		done
		:
	} 3<"$1" || answer 1 '' >&4
}

# All of the script is read before anything runs: from main on, standard input
# is parameters.
main() {
	printf '\n' # ends what a login script printed
	answer 0 ready || exit 1
	IFS= read -r nonce || exit 0
	halted=
	while IFS= read -r op; do
		case $op in
		copy) # SOURCE PART STAMP OFFSET: && because a dd that fails would leave cat writing at 0.
			# dd only seeks: there are some that write less than they read and report success.
			IFS= read -r source && IFS= read -r part && IFS= read -r stamp && IFS= read -r offset || exit 1
			[ -z "$halted" ] || { answer 1 halted && continue; }
			text= && disturbed "$part" && text=disturbed
			(exec 1<>"$part" && dd bs=1 seek="$offset" count=0 conv=notrunc </dev/null 2>/dev/null && exec cat "$source" </dev/null)
			status=$?
			[ -z "$stamp" ] || touch -r "$part" "$stamp" </dev/null || text=disturbed
			answer $status "$text"
			;;
		sizes) # SOURCE PART LENGTH LEAST: in bytes; where they are others nothing is copied until resume
			IFS= read -r source && IFS= read -r part && IFS= read -r length && IFS= read -r least || exit 1
			text=$(stat -c %s "$source" "$part" </dev/null 2>/dev/null)
			status=$?
			set -f && set -- $text && set +f
			[ $status -eq 0 ] && [ "$1" = "$length" ] && [ "$2" -ge "$least" ] || halted=1
			answer $status "$1 $2"
			;;
		resume) halted= && answer 0 '' ;;
		guard) # PART STAMP: can copies keep this file beside the part at the part's time of change?
			IFS= read -r part && IFS= read -r stamp || exit 1
			begin "$part"
			answer $? ''
			;;
		follow) # TOOL FILE STAMP, then what feed reads
			IFS= read -r tool && IFS= read -r file && IFS= read -r stamp || exit 1
			begin "$file" || { answer 1 '' && continue; }
			{ text=$(feed "$file" | digest "$tool" 4>&-); } 4>&1
			status=$?
			disturbed "$file" && status=3
			answer $status "${text%% *}"
			;;
		who)
			boot= && { IFS= read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
			[ -n "$boot" ] && fields /proc/$$/stat
			answer $? "$$ $boot $stat"
			;;
		gone) # SESSION START BOOT: 0 it is, 1 it is not, 2 this host does not tell
			IFS= read -r session && IFS= read -r start && IFS= read -r boot || exit 1
			now= && { IFS= read -r now </proc/sys/kernel/random/boot_id; } 2>/dev/null
			if [ -z "$now" ] || ! fields /proc/$$/stat; then
				answer 2 ''
			elif [ "$now" != "$boot" ]; then
				answer 0 ''
			elif alive "$session" "$start"; then
				answer 1 ''
			else
				answer 0 ''
			fi
			;;
		hash) # TOOL FILE
			IFS= read -r tool && IFS= read -r file || exit 1
			text=$(digest "$tool" <"$file")
			answer $? "${text%% *}"
			;;
		see) # FILE: its only line, to find out whether this shell sees what SFTP shows
			IFS= read -r file || exit 1
			line= && { IFS= read -r line <"$file" || [ -n "$line" ]; } 2>/dev/null
			answer $? "$line"
			;;
		clone) # FROM TO: a new file that shares all of its blocks with another
			IFS= read -r from && IFS= read -r to || exit 1
			cp --reflink=always "$from" "$to" </dev/null >/dev/null 2>&1
			answer $? ''
			;;
		keep) # FROM TO: mode, owner, access control lists and extended attributes; no contents
			IFS= read -r from && IFS= read -r to || exit 1
			cp --attributes-only --preserve=mode,ownership,xattr "$from" "$to" </dev/null >/dev/null
			answer $? ''
			;;
		acl) # FILE: has it an access control list? ls says so behind the mode
			IFS= read -r file || exit 1
			text=$(ls -ld "$file" </dev/null 2>/dev/null)
			status=$?
			case ${text%% *} in *+) text=acl ;; *) text= ;; esac
			answer $status "$text"
			;;
		end) answer 0 '' && exit 0 ;;
		*) answer 127 "$op" ;;
		esac
	done
}
main
