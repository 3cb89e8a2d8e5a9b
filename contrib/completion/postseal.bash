# Completion of postseal's command line for bash. bash loads it automatically if it
# is installed as /usr/share/bash-completion/completions/postseal.

_postseal() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    local words='' hyphen=''
    if [[ $word == = ]]; then # -option=
        word=
    elif [[ $before == = ]]; then # -option=value
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi

    if ((COMP_CWORD == 1)); then
        words="serve check lookup explain import export status doctor replay report help -h -version"
    else
        case ${before/#--/-} in
        -config | -config-directory | -sendmail-cf | -against | -log | -o) _postseal_files "$word" && return ;;
        -level) words="may encrypt verify" ;;
        -format) words="postfix sendmail" ;;
        -mta) words="postfix sendmail" ;;
        -from | -to | -client | -since | -until | -send | -held-* | -sealed-*) return ;;
        *)
            case $command in
            serve) words="-config -h" ;;
            check) words="-config -strict -h" ;;
            lookup) words="-config -json -h" ;;
            explain) words="-config -json -from -to -client -h" ;;
            import) words="-config -accept -dry-run -json -v -h" ;;
            export)
                words="-config -level -format -h"
                ((COMP_CWORD == 2)) && words="tls-policy -h"
                ;;
            status) words="-config -json -nagios -prometheus -no-queue -held-warning -held-critical -sealed-warning -sealed-critical -h" ;;
            doctor) words="-config -json -log -prometheus -send -mta -config-directory -sendmail-cf -h" ;;
            replay) words="-config -against -json -from -to -log -h" ;;
            report) words="-config -since -until -text -json -csv -o -h" ;;
            esac
            if [[ $word != -* && ($command == explain || $command == import || $command == replay || $command == report) ]]; then
                _postseal_files "$word" && return
            fi
            ;;
        esac
    fi
    if [[ $word == --* ]]; then # equals one hyphen
        hyphen=-
        word=${word#-}
    fi
    mapfile -t COMPREPLY < <(compgen -P "$hyphen" -W "$words" -- "$word")
}

_postseal_files() {
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
    compopt -o filenames 2>/dev/null # which fails outside completion
    return 0
}

complete -F _postseal postseal
