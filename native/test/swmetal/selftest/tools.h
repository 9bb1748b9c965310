// What the self test needs beside a device: variables of the environment, and processes that may end.
#ifndef NAUTILUS_TEST_SWMETAL_SELFTEST_TOOLS_H_
#define NAUTILUS_TEST_SWMETAL_SELFTEST_TOOLS_H_

#include <functional>
#include <string>

namespace swm::test {

// Whether this process runs under the address sanitizer; kernels are then instrumented too.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SWM_SANITIZED 1
#endif
#endif
#if defined(SWM_SANITIZED)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Sets a variable while it lives.
class Environment {
 public:
  Environment(const char* name, const std::string& value);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  bool had_;
  std::string before_;
};

// What a child process that runs `body` writes to its standard error; empty if it ends as it should.
std::string Abort(const std::function<void()>& body);

bool Contains(const std::string& text, const std::string& part);

}  // namespace swm::test

#endif  // NAUTILUS_TEST_SWMETAL_SELFTEST_TOOLS_H_
