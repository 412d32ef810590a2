# Sourced by bin/start, bin/test and bin/setup. Brings a machine that has only Ruby and Bundler to where
# the tree can be built and run: system packages by apt, gems into tmp/gems/RUBY_VERSION (or
# $POLYPHONY_GEMS), extensions into tmp/ext/RUBY_VERSION. Nothing outside the tree but apt's packages is
# touched, several Rubies stand side by side, and where nothing is missing it takes a moment.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
apt_limit=900    # seconds
bundle_limit=420 # seconds, for one of two tries

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# with_limit SECONDS COMMAND…: a hang is a failure. On a terminal the command keeps it, for Ctrl-C.
with_limit() {
  local limit=$1 foreground=(); shift
  [ -t 0 ] && foreground=(--foreground)
  timeout ${foreground[@]+"${foreground[@]}"} --kill-after=15 "$limit" "$@"
}

# install_packages NAME…: Debian packages, by sudo if need be.
install_packages() {
  local as_root=()
  have apt-get || die "Missing on this system: $* (Debian's names). Install them and try again."
  if [ "$(id -u)" != 0 ]; then
    have sudo || die "Missing: $*. Install them as root: apt-get install $*"
    as_root=(sudo)
  fi
  say "Installing: $*"
  local log apt=(${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  log=$(mktemp "${TMPDIR:-/tmp}/polyphony-apt.XXXXXX")
  # A source that cannot be reached is no reason to stop: another may have what is wanted.
  with_limit "$apt_limit" "${apt[@]}" update >"$log" 2>&1 || say 'apt-get update did not succeed fully; going on'
  with_limit "$apt_limit" "${apt[@]}" install -y --no-install-recommends "$@" >>"$log" 2>&1 ||
    die "apt-get could not install: $*. The end of $log:
$(tail -n 15 "$log")"
  rm -f "$log"
}

# True if one of the headers NAME… can be included.
have_header() {
  local name
  for name; do
    printf '#include <%s>\n' "$name" | cc -E -x c - >/dev/null 2>&1 && return
  done
  return 1
}

ensure_packages() {
  local missing=()
  have ruby || missing+=(ruby)
  have bundle || missing+=(ruby-bundler)
  have cc && have make || missing+=(build-essential)
  [ ${#missing[@]} = 0 ] || { install_packages "${missing[@]}"; missing=(); hash -r; }

  read_ruby
  [ -e "$ruby_headers/ruby.h" ] || missing+=(ruby-dev)
  have_header ev.h libev/ev.h || missing+=(libev-dev)
  have_header nghttp2/nghttp2.h || missing+=(libnghttp2-dev)
  [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
  # Where there is no such package, the gem llhttp has the C (see the Gemfile).
  have_header llhttp.h || ! apt-cache show libllhttp-dev >/dev/null 2>&1 || install_packages libllhttp-dev
}

# ensure_commands NAME[=PACKAGE]…: programs; a package mostly has their name.
ensure_commands() {
  local name missing=()
  for name; do have "${name%%=*}" || missing+=("${name#*=}"); done
  [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
}

# Sets ruby_version, ruby_abi and ruby_headers.
read_ruby() {
  read -r ruby_version ruby_abi ruby_headers < <(ruby --disable-gems -rrbconfig -e \
    'puts [RUBY_VERSION, *RbConfig::CONFIG.values_at("ruby_version", "rubyhdrdir")].join(" ")')
}

# ensure_gems [GROUP…]: the gems that the Gemfile names outside its groups and in those GROUPs, in a folder
# of this Ruby's own. A Gemfile there keeps one Ruby's lock file apart from another's.
ensure_gems() {
  local dir=${POLYPHONY_GEMS:-$root/tmp/gems}/$ruby_version group without=
  local gemfile="eval_gemfile '$root/Gemfile'" stamp="$dir/.installed $*"
  for group in test lint; do
    [[ " $* " == *" $group "* ]] || without+=${without:+:}$group
  done
  mkdir -p "$dir"
  if ! { [ "$(cat "$dir/Gemfile" 2>/dev/null)" = "$gemfile" ] && [ "$stamp" -nt "$root/Gemfile" ]; }; then
    say "Installing gems for Ruby $ruby_version into $dir"
    if [[ " $* " == *" test "* ]]; then # what some of those are compiled with: mysql2, psych
      ensure_commands mariadb_config=libmariadb-dev
      have_header yaml.h || install_packages libyaml-dev
    fi
    (
      # Two runs at a time would spoil each other's folder.
      exec 9>"$dir/.lock"
      ! have flock || flock -w "$bundle_limit" 9
      printf '%s\n' "$gemfile" >"$dir/Gemfile"
      export BUNDLE_GEMFILE=$dir/Gemfile BUNDLE_APP_CONFIG=$dir/.bundle BUNDLE_PATH=$dir
      export BUNDLE_WITH="$(IFS=:; echo "$*")" BUNDLE_WITHOUT=$without
      export BUNDLE_JOBS=1 BUNDLE_RETRY=3 BUNDLE_SILENCE_ROOT_WARNING=1
      # If it must be compiled, then against the system's library, not one fetched from elsewhere.
      export BUNDLE_BUILD__SQLITE3=--enable-system-libraries
      # One gem at a time: Bundler's parallel installer (2.6, Ruby 3.3) was seen to wait for itself for ever.
      # What a first try has installed stays.
      with_limit "$bundle_limit" bundle install --quiet >&2 ||
        with_limit "$bundle_limit" bundle install --quiet >&2
    ) || die "bundle install failed (Gemfile: $root/Gemfile, gems: $dir)"
    touch "$stamp"
  fi
  # RubyGems finds them by itself from here on; no Bundler in the processes that the specs start.
  export GEM_HOME=$dir/ruby/$ruby_abi PATH=$dir/ruby/$ruby_abi/bin:$PATH
  unset GEM_PATH RUBYOPT RUBYLIB BUNDLE_GEMFILE BUNDLE_PATH BUNDLE_WITH BUNDLE_WITHOUT
}

# ensure_rack2: Rack 2 in a folder beside the other gems, for the specs that serve apps with it. One Gemfile
# cannot name two versions.
ensure_rack2() {
  local dir=${POLYPHONY_GEMS:-$root/tmp/gems}/$ruby_version/rack2
  [ -z "$(find "$dir/gems" -maxdepth 1 -name 'rack-2.2.*' 2>/dev/null)" ] || return 0
  say "Installing Rack 2.2 into $dir"
  with_limit "$bundle_limit" gem install --quiet --no-document --install-dir "$dir" --version '~> 2.2' rack >/dev/null ||
    die "gem install rack --version '~> 2.2' failed"
}

# ensure_built: the extensions, for the running Ruby.
ensure_built() {
  ruby --disable-gems "$root/bin/lib/extension.rb" || exit
}
