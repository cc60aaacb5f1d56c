# runner.bash - completion of runner's command line for bash.  Commands and options are
# asked of runner itself, so that they are always those of the one that is installed.

# Options in the help of a command; words of its --help alone.
_runner_options ()
{
  "$runner" "$@" --help 2>/dev/null | grep -o -E -- '(^| |, )--[a-z][a-z-]*' | grep -o -E -- '--[a-z-]+' | sort -u
}

_runner_commands ()
{
  "$runner" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# Words that begin with what is there already.
_runner_words ()
{
  COMPREPLY=($(compgen -W "$1" -- "$current"))
}

# Files with one of these endings, and folders.
_runner_files ()
{
  local IFS=$'\n' ending
  COMPREPLY=($(compgen -d -- "$current"))
  for ending; do
    COMPREPLY+=($(compgen -f -X "!*.$ending" -- "$current"))
  done
  compopt -o filenames 2>/dev/null || : # fails where nothing is being completed
}

_runner_folders ()
{
  local IFS=$'\n'
  COMPREPLY=($(compgen -d -- "$current"))
  compopt -o filenames 2>/dev/null || : # fails where nothing is being completed
}

# What follows an option that takes a value.  False: `previous` is none.
_runner_value ()
{
  case $previous in
    --plugin-path | -o | --output | --html) _runner_folders ;;
    --junit) _runner_files xml ;;
    --ready-file) _runner_files '*' ;;
    --color) _runner_words 'always never auto' ;;
    -j | --jobs | -k | --keyword | --tag | --where | --shard) ;;
    --retries | --repeat | --timeout | --target | --var) ;;
    *) return 1 ;;
  esac
  return 0
}

# The role of the command line: the first word with a dot in it.
_runner_role ()
{
  local word role=
  for word in "${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
    case $word in
      [a-z]*.*) role=$word ;;
    esac
  done
  if [[ -z $role && $current != -* ]]; then
    _runner_words "$("$runner" plugins "${path[@]}" --roles 2>/dev/null)"
  else
    _runner_words "$(_runner_options role "${path[@]}" $role)"
  fi
}

_runner_arguments ()
{
  case $command in
    role) _runner_role ;;
    plugins | schema)
      case $current in
        -*) _runner_words "$(_runner_options "$command")" ;;
        */*) _runner_files so ;;
        *) _runner_words "core $("$runner" plugins "${path[@]}" --names 2>/dev/null)" ;;
      esac ;;
    plugin)
      if [[ $current == -* ]]; then _runner_words "$(_runner_options plugin)"
      elif [[ $COMP_CWORD == 2 ]]; then _runner_words new
      elif [[ $COMP_CWORD == 4 ]]; then _runner_folders
      fi ;;
    report)
      if [[ $current == -* ]]; then _runner_words "$(_runner_options report)"
      else _runner_files jsonl
      fi ;;
    version) _runner_words "$(_runner_options version)" ;;
    *)
      if [[ $current == -* ]]; then _runner_words "$(_runner_options "$command")"
      else _runner_files yaml yml
      fi ;;
  esac
}

_runner ()
{
  local runner=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous= command=run i
  local -a path=()
  COMPREPLY=()
  ((COMP_CWORD > 0)) && previous=${COMP_WORDS[COMP_CWORD - 1]}
  # bash takes --option=value apart
  if [[ $current == '=' ]]; then
    current=
  elif [[ $previous == '=' ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} == --plugin-path ]] || continue
    if [[ ${COMP_WORDS[i + 1]} == '=' ]]; then
      path=(--plugin-path "${COMP_WORDS[i + 2]}")
    else
      path=(--plugin-path "${COMP_WORDS[i + 1]}")
    fi
  done
  if ((COMP_CWORD == 1)) && [[ $current != -* ]]; then
    _runner_files yaml yml
    COMPREPLY+=($(compgen -W "$(_runner_commands)" -- "$current"))
    return
  fi
  if ((COMP_CWORD > 1)) && _runner_commands | grep -qx -- "${COMP_WORDS[1]}"; then
    command=${COMP_WORDS[1]}
  fi
  _runner_value || _runner_arguments
  return 0
}
complete -F _runner runner
