// The whole test framework: TEST registers a sentence, CHECK records a failure and goes on.
#ifndef NAUTILUS_TEST_CHECK_H_
#define NAUTILUS_TEST_CHECK_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace nautilus::test {

struct Case {
  const char* sentence;
  const char* file;
  void (*body)();
};

inline std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}

inline int& Failures() {
  static int failures = 0;
  return failures;
}

// Whether the process ends at the first check that fails.
inline bool& StopAtFirst() {
  static bool stop = false;
  return stop;
}

inline int64_t& Checks() {
  static int64_t checks = 0;
  return checks;
}

// What is printed after the last test, before the totals.
inline std::vector<void (*)()>& AtEnd() {
  static std::vector<void (*)()> steps;
  return steps;
}

struct Register {
  Register(const char* sentence, const char* file, void (*body)()) {
    Cases().push_back({sentence, file, body});
  }
};

// Returns `count` draws from a standard normal distribution; the same seed gives the same numbers.
template <typename T>
std::vector<T> Normal(int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(normal(engine));
  return values;
}

}  // namespace nautilus::test

#define NAUTILUS_JOIN_(a, b) a##b
#define NAUTILUS_JOIN(a, b) NAUTILUS_JOIN_(a, b)

#define TEST(sentence)                                                                                       \
  static void NAUTILUS_JOIN(Body, __LINE__)();                                                               \
  static const ::nautilus::test::Register NAUTILUS_JOIN(register_, __LINE__)(sentence, __FILE__,             \
                                                                             NAUTILUS_JOIN(Body, __LINE__)); \
  static void NAUTILUS_JOIN(Body, __LINE__)()

#define CHECK(condition, ...)                                                   \
  do {                                                                          \
    ++::nautilus::test::Checks();                                               \
    if (!(condition)) {                                                         \
      ++::nautilus::test::Failures();                                           \
      std::printf("%s:%d: %s is false ", __FILE__, __LINE__, #condition);       \
      __VA_OPT__(std::printf(__VA_ARGS__);)                                     \
      std::printf("\n");                                                        \
      if (::nautilus::test::StopAtFirst()) std::fflush(nullptr), std::_Exit(1); \
    }                                                                           \
  } while (false)

#endif  // NAUTILUS_TEST_CHECK_H_
