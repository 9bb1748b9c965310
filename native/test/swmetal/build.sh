#!/bin/sh
# build.sh OUT [--sanitize]: builds the software device and its self test into the folder OUT.
#
# Host code in Objective-C++ that runs on the device compiles with $objc, passes through fix_personality, and
# links libSoftMetal.so, gnustep-base and objc. Needs clang 19, libgnustep-base-dev, bun on the PATH, and
# libclang-rt-19-dev for --sanitize.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
native=$(cd "$here/../.." && pwd)
out=${1:?folder to build into}
mkdir -p "$out"
out=$(cd "$out" && pwd)

clangxx=${SWM_CLANG:-clang++-19}
sanitize=
if [ "${2:-}" = --sanitize ]; then
  sanitize='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
fi

cxx="-std=c++20 -O2 -g1 -fPIC -ffp-contract=off -Wall -Wextra -Werror -I$native $sanitize"
objc="-x objective-c++ -fobjc-runtime=gcc -fblocks -fobjc-exceptions -fexceptions
  -fconstant-string-class=NSConstantString -D_NATIVE_OBJC_EXCEPTIONS
  -DGNUSTEP -DGNUSTEP_BASE_LIBRARY=1 -DGNU_RUNTIME=1
  -isystem $here/include -isystem /usr/include/GNUstep -isystem $(gcc -print-file-name=include)"
libraries="-lgnustep-base -lobjc -ldl -lpthread"

# clang gives functions of Objective-C++ the personality of GCC's Objective-C runtime, which knows no C++
# types: a C++ exception that meets such a frame ends the process instead of being caught. That of C++ catches
# both.
fix_personality() {
  objcopy --redefine-sym __gnu_objc_personality_v0=__gxx_personality_v0 "$1"
}

newer_than() {
  find "$here" "$native/test/check.h" "$native/test/main.cc" -newer "$1" -type f \
    -name '*.[chm]*' ! -name '*.metal'
}

# Compiles one source into OUT/<name>.o unless that is newer than every native source of this folder.
objects=
compile() {
  source=$1
  object="$out/$(basename "$source").o"
  objects="$objects $object"
  if [ -f "$object" ] && [ -z "$(newer_than "$object")" ]; then return; fi
  shift
  # shellcheck disable=SC2086
  case $source in
    *.mm) $clangxx $cxx $objc "$@" -c "$source" -o "$object" && fix_personality "$object" ;;
    *) $clangxx $cxx "$@" -c "$source" -o "$object" ;;
  esac
}

for source in "$here"/*.cc "$here"/*.mm; do
  compile "$source" "-DSWM_METALC_PATH=\"$here/metalc.ts\""
done
# shellcheck disable=SC2086
$clangxx $sanitize -shared $objects -o "$out/libSoftMetal.so" $libraries

objects=
for source in "$here"/selftest/*.mm "$here"/selftest/*.cc "$native/test/main.cc"; do
  [ -f "$source" ] && compile "$source" "-DSWM_SELFTEST_KERNELS=\"$here/selftest\""
done
# shellcheck disable=SC2086
$clangxx $sanitize $objects -o "$out/swmetal_selftest" -L"$out" -lSoftMetal $libraries -Wl,-rpath,'$ORIGIN'
