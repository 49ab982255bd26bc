#!/bin/sh
# Starts jicofo as its packages, images and old init scripts do: the same path, flags, variables and exit codes.
#
# - The binary is the first of: jicofo beside this script, target/release/jicofo below its folder, then below the folder
#   above, and last jicofo in PATH (absolute entries only). Nothing is read from the current folder.
# - JICOFO_OPTS is not read, as it never was here: the init script hands its words on as arguments.
# - Secrets given as flags go on in the environment, as arguments of a running process can be read by everybody.
# - JICOFO_MAX_MEMORY was the heap of a Java machine; it is accepted and means nothing.

set -u

default_file=/etc/jitsi/jicofo/jicofo.conf
# For who starts fresh.
fresh_file=/etc/jitsi/jicofo/jicofo.toml

usage() {
    cat <<'END'
Usage: jicofo.sh [check-config | migrate] [--config FILE] [flags]

The configuration is read from -Dconfig.file=FILE in JAVA_SYS_PROPS, else from /etc/jitsi/jicofo/jicofo.conf, else from
jicofo.toml there.
With any of the classic flags no file is needed, nor with keys in the environment (JICOFO__XMPP__CLIENT__DOMAIN=...):

  --domain=DOMAIN --host=HOST --port=PORT --subdomain=NAME --secret=SECRET
  --user_domain=DOMAIN --user_name=NAME --user_password=PASSWORD

Environment: JAVA_SYS_PROPS, JICOFO_SECRET, JICOFO_AUTH_PASSWORD, JICOFO_SECRET_FILE, JICOFO_AUTH_PASSWORD_FILE,
JICOFO__SECTION__KEY, JICOFO_LOG
END
}

fail() {
    echo "jicofo.sh: $2" >&2
    exit "$1"
}

# Entries of PATH with a full name only: nothing that lies in the current folder is run.
caller_path=${PATH:-}
PATH=
set -f
IFS=:
for folder in $caller_path; do
    case $folder in
        /*) PATH=${PATH:+$PATH:}$folder ;;
    esac
done
unset IFS
set +f
PATH=${PATH:-/usr/bin:/bin}

script=$(readlink -f -- "$0") || fail 1 "cannot find out where this script is"
here=$(dirname -- "$script")

binary=
for candidate in "$here/jicofo" "$here/target/release/jicofo" "$here/../target/release/jicofo"; do
    if [ -f "$candidate" ] && [ -x "$candidate" ]; then
        binary=$candidate
        break
    fi
done
if [ -z "$binary" ]; then
    binary=$(command -v jicofo) || binary=
fi
if [ -z "$binary" ]; then
    fail 1 "there is no jicofo beside this script, in target/release, or in PATH; install it, or build it with cargo build --release"
fi

# Each argument once: look at it, and put it back behind the others.
needs_file=yes
left=$#
while [ "$left" -gt 0 ]; do
    argument=$1
    shift
    left=$((left - 1))
    word=${argument#-}
    word=${word#-}
    value=
    case $word in *=*) value=${word#*=} ;; esac
    case $argument in
        --help | -h)
            usage
            exit 1
            ;;
        --config | -config)
            # Its value is the next argument, whatever that looks like.
            needs_file=
            set -- "$@" "$argument"
            if [ "$left" -gt 0 ]; then
                argument=$1
                shift
                left=$((left - 1))
            else
                continue
            fi
            ;;
        --config=* | -config=* | config=* | --environment-file* | --version | -V | config-docs | migrate) needs_file= ;;
        *)
            case ${word%%=*} in
                secret)
                    needs_file=
                    if [ -n "$value" ]; then
                        # A flag counts before all variables, also on its way through one.
                        unset JICOFO_SECRET_FILE JICOFO__XMPP__COMPONENT__SECRET JICOFO__XMPP__COMPONENT__SECRET_FILE
                        export JICOFO_SECRET="$value"
                        argument=--secret=
                    fi
                    ;;
                user_password | user-password | password)
                    needs_file=
                    if [ -n "$value" ]; then
                        unset JICOFO_AUTH_PASSWORD_FILE JICOFO__XMPP__CLIENT__PASSWORD JICOFO__XMPP__CLIENT__PASSWORD_FILE
                        export JICOFO_AUTH_PASSWORD="$value"
                        argument=--user_password=
                    fi
                    ;;
                domain | host | port | subdomain | user_domain | user-domain | userdomain | user_name | user-name)
                    needs_file=
                    ;;
            esac
            ;;
    esac
    set -- "$@" "$argument"
done

# Keys in the environment are a configuration of their own. A line within a value may look like one: the binary knows better.
if env | grep -q '^JICOFO__'; then
    needs_file=
fi

JAVA_SYS_PROPS=${JAVA_SYS_PROPS:-}
case $JAVA_SYS_PROPS in
    *-Dconfig.file=*) ;;
    *)
        if [ -f "$default_file" ]; then
            JAVA_SYS_PROPS="-Dconfig.file=$default_file $JAVA_SYS_PROPS"
        elif [ -f "$fresh_file" ]; then
            JAVA_SYS_PROPS="-Dconfig.file=$fresh_file $JAVA_SYS_PROPS"
        elif [ -d "${default_file%/*}" ] && [ ! -x "${default_file%/*}" ]; then
            # It may be there: whoever cannot look is told so, instead of being started without it.
            JAVA_SYS_PROPS="-Dconfig.file=$default_file $JAVA_SYS_PROPS"
        elif [ -n "$needs_file" ]; then
            fail 2 "no configuration: $default_file does not exist, and JAVA_SYS_PROPS holds no -Dconfig.file=FILE"
        fi
        ;;
esac
if [ -f "$here/lib/logging.properties" ]; then
    # First, so that one in JAVA_SYS_PROPS wins.
    JAVA_SYS_PROPS="'-Djava.util.logging.config.file=$here/lib/logging.properties' $JAVA_SYS_PROPS"
fi
export JAVA_SYS_PROPS

PATH=$caller_path
exec "$binary" "$@"
