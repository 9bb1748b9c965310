// What the self test needs beside a device: variables of the environment for a while, and processes that may end.
#ifndef NAUTILUS_TEST_SWMETAL_SELFTEST_TOOLS_H_
#define NAUTILUS_TEST_SWMETAL_SELFTEST_TOOLS_H_

#include <functional>
#include <string>

namespace swm::test {

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

// What a child process that runs `body` writes to its standard error, if it is ended by a signal; empty if it is not.
std::string Abort(const std::function<void()>& body);

bool Contains(const std::string& text, const std::string& part);

}  // namespace swm::test

#endif  // NAUTILUS_TEST_SWMETAL_SELFTEST_TOOLS_H_
