# bash completion for weir; made by weir --docs completion: not to be edited
_weir() {
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	COMPREPLY=()
	case $before in
	--mode | -m) COMPREPLY=($(compgen -W 'box list json ndjson csv tsv markdown line' -- "$current")); return ;;
	--command | -c) return ;;
	--file | -f) compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")); return ;;
	--variable | -v) return ;;
	esac
	local options modes='--box --list --json --ndjson --csv --tsv --markdown --line'
	case ${COMP_WORDS[1]} in
	status) options='--mode --verbose --help --version' ;;
	test) options='--variable --verbose --help --version' ;;
	run) options='--command --file --variable --until-end --final --check --take-over --mode --verbose --help --version' ;;
	*) options='--command --file --variable --keep-going --until-end --final --mode --verbose --help --version' ;;
	esac
	case $current in
	-*) COMPREPLY=($(compgen -W "$options $modes" -- "$current")) ;;
	*)
		compopt -o filenames
		COMPREPLY=($(compgen -f -- "$current"))
		[ "$COMP_CWORD" = 1 ] && COMPREPLY+=($(compgen -W 'run test status' -- "$current"))
		;;
	esac
}
complete -F _weir weir
