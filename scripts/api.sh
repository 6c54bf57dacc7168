# shellcheck shell=bash
# The API as bash functions, on curl alone:   . scripts/api.sh
#
#   id=$(job_create '{"module": "cbc", "config": {"model": "osemosys"}}' data=data.txt)
#   job_wait_for_status "$id" succeeded 600 && job_results "$id" results.zip
#
# The server is CE_SERVER (default: http://127.0.0.1:8081); CE_TOKEN is sent where it is set. A function that fails says why on
# standard error and returns 1; job_wait_for_status returns 2 when the time is over.

# job_create DOCUMENT [LABEL=PATH...]: store a job and print its id. DOCUMENT is JSON, or @FILE with JSON or YAML; a LABEL is an
# input of the job's one module, or what the document names by {"type": "part", "name": LABEL}.
job_create() {
  local document=$1 part fields=()
  shift
  case $document in
    @*) [ -r "${document#@}" ] || { _job_say "job_create: there is no file ${document#@}"; return 1; } && fields+=(-F "job=<${document#@}") ;;
    *) fields+=(--form-string "job=$document") ;;
  esac
  for part in "$@"; do
    [ -r "${part#*=}" ] || { _job_say "job_create: there is no file ${part#*=}"; return 1; }
    fields+=(-F "${part%%=*}=@${part#*=}")
  done
  _job_value id -X PUT "${fields[@]}" job
}

# job_status ID: print queued, running, succeeded, failed or cancelled
job_status() { _job_value state "job/$1"; }

# job_show ID: print the whole job as JSON
job_show() { _job_curl "job/$1"; }

# job_wait_for_status ID STATUS [SECONDS]: return when the job has that status; 1 when it has ended in another, 2 after SECONDS
job_wait_for_status() {
  local id=$1 wanted=$2 seconds=${3:-3600} began=$SECONDS now
  while :; do
    now=$(job_status "$id") || return 1
    [ "$now" != "$wanted" ] || return 0
    case $now in
      succeeded | failed | cancelled) _job_say "job $id: $now, not $wanted: $(_job_value message "job/$id")" && return 1 ;;
    esac
    [ $((SECONDS - began)) -lt "$seconds" ] || { _job_say "job $id: still $now after $seconds s"; return 2; }
    sleep 0.5
  done
}

# job_log ID [follow]: print what its steps print; with "follow", until the job ends
job_log() { _job_ask -f -N "job/$1/log${2:+?follow=1}"; }

# job_results ID [FILE.zip | PATH]: list its results; or save all of them in FILE.zip; or print the one at PATH
job_results() {
  case ${2:-} in
    "") _job_list "$1" ;;
    *.zip) _job_save "$2" "job/$1/results.zip" ;;
    *) _job_curl "job/$1/results/$2" ;;
  esac
}

_job_list() {
  local files
  files=$(_job_curl "job/$1/results") || return 1
  sed -n 's/^ *"path": "\(.*\)",\{0,1\}$/\1/p' <<<"$files"
}

# job_kill ID: end a job that is queued or runs
job_kill() { _job_curl -X POST "job/$1/cancel" >/dev/null; }

_job_say() { echo "$*" >&2; }

# _job_curl [CURL OPTION...] ADDRESS: ask for an address below /api; a reply that is an error is told on standard error
_job_curl() {
  local reply code=0
  reply=$(mktemp)
  _job_save "$reply" "$@" || code=1
  [ "$code" = 0 ] && cat "$reply"
  rm -f "$reply"
  return "$code"
}

# _job_save FILE [CURL OPTION...] ADDRESS: the same into a file, which is there only when the reply is no error
_job_save() {
  local file=$1
  shift
  _job_ask --fail-with-body -o "$file" "$@" && return
  [ ! -s "$file" ] || cat "$file" >&2
  rm -f "$file"
  return 1
}

_job_ask() {
  local token=()
  [ -z "${CE_TOKEN:-}" ] || token=(-H "Authorization: Bearer $CE_TOKEN")
  curl -sS ${token[@]+"${token[@]}"} "${@:1:$#-1}" "${CE_SERVER:-http://127.0.0.1:8081}/api/${!#}"
}

# _job_value NAME [CURL OPTION...] ADDRESS: print a field of the job in the reply; a job's own fields are indented by two
_job_value() {
  local name=$1 job
  shift
  job=$(_job_curl "$@") || return 1
  sed -n "s/^  \"$name\": \"\(.*\)\",\{0,1\}\$/\1/p" <<<"$job"
}
