// Runs every registered test and answers with the number of failures.
#include <cstdio>

#include "test/check.h"

int main() {
  for (const auto& test : nautilus::test::Cases()) {
    const int before = nautilus::test::Failures();
    test.body();
    std::printf("%s %s\n", nautilus::test::Failures() == before ? "ok  " : "FAIL", test.sentence);
  }
  std::printf("%zu tests, %d failed checks\n", nautilus::test::Cases().size(), nautilus::test::Failures());
  return nautilus::test::Failures() == 0 ? 0 : 1;
}
