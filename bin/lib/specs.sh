# Sourced by bin/test: RSpec, and the second try.

# run_specs [ARGUMENTS OF RSPEC]: all of them once. Up to $POLYPHONY_SECOND_TRIES failures are then looked at
# again in a process of their own: thousands of examples with real processes, sockets and signals on a busy
# machine, and one in ten thousand may be the machine's doing. None of it is silent.
run_specs() {
  local code=0 state unstable
  state=$(mktemp "${TMPDIR:-/tmp}/polyphony-examples.XXXXXX")
  POLYPHONY_SPEC_STATE=$state with_limit "${POLYPHONY_TEST_LIMIT:-1500}" ruby -S rspec "$@" || code=$?
  unstable=$(awk -F ' *[|] *' '$2 == "failed" { print $1 }' "$state")
  if [ $code = 1 ] && [ -n "$unstable" ] && [ "$(wc -l <<<"$unstable")" -le "${POLYPHONY_SECOND_TRIES:-0}" ]; then
    printf '\n== failed once, and run again by themselves:\n%s\n' "$unstable"
    code=0
    POLYPHONY_SPEC_STATE=$state with_limit 400 ruby -S rspec --only-failures "$@" || code=$?
    [ $code != 0 ] || printf '\n== unstable, as they passed the second time:\n%s\n' "$unstable"
  fi
  rm -f "$state"
  return $code
}
