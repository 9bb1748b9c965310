// Runs every registered test, or those of files whose name holds the first argument, and answers with whether
// one failed.
#include <cstdio>
#include <cstring>

#include "test/check.h"

int main(int count, char** words) {
  size_t run = 0;
  for (const auto& test : nautilus::test::Cases()) {
    if (count > 1 && std::strstr(test.file, words[1]) == nullptr) continue;
    ++run;
    const int before = nautilus::test::Failures();
    test.body();
    std::printf("%s %s\n", nautilus::test::Failures() == before ? "ok  " : "FAIL", test.sentence);
  }
  std::printf("%zu tests, %lld checks, %d failed\n", run, static_cast<long long>(nautilus::test::Checks()),
              nautilus::test::Failures());
  return run > 0 && nautilus::test::Failures() == 0 ? 0 : 1;
}
