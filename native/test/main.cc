// Runs every registered test, or those whose file or sentence holds one of the words given, and answers with
// whether one failed. `--stop` ends at the first check that fails, `--times` says how long each test took,
// `--list` names them and runs none.
#include <cstdio>
#include <cstring>
#include <ctime>
#include <vector>

#include "test/check.h"

namespace {

bool Wanted(const nautilus::test::Case& test, const std::vector<const char*>& words) {
  for (const char* word : words) {
    if (std::strstr(test.file, word) != nullptr || std::strstr(test.sentence, word) != nullptr) return true;
  }
  return words.empty();
}

double ProcessorSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

int main(int count, char** arguments) {
  bool times = false;
  bool lists = false;
  std::vector<const char*> words;
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(arguments[i], "--stop") == 0) {
      nautilus::test::StopAtFirst() = true;
    } else if (std::strcmp(arguments[i], "--times") == 0) {
      times = true;
    } else if (std::strcmp(arguments[i], "--list") == 0) {
      lists = true;
    } else {
      words.push_back(arguments[i]);
    }
  }
  size_t run = 0;
  for (const auto& test : nautilus::test::Cases()) {
    if (!Wanted(test, words)) continue;
    if (lists) {
      std::printf("%s\t%s\n", test.file, test.sentence);
      continue;
    }
    ++run;
    const int before = nautilus::test::Failures();
    const double began = ProcessorSeconds();
    test.body();
    std::printf("%s %s", nautilus::test::Failures() == before ? "ok  " : "FAIL", test.sentence);
    if (times) std::printf(" (%.3f s, %s)", ProcessorSeconds() - began, test.file);
    std::printf("\n");
  }
  if (lists) return 0;
  for (void (*const step)() : nautilus::test::AtEnd()) step();
  std::printf("%zu tests, %lld checks, %d failed\n", run, static_cast<long long>(nautilus::test::Checks()),
              nautilus::test::Failures());
  return run > 0 && nautilus::test::Failures() == 0 ? 0 : 1;
}
