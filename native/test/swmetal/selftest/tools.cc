// Variables of the environment, and processes that may end.
#include "test/swmetal/selftest/tools.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace swm::test {
namespace {

// What was printed before a process is ended must not be lost.
[[maybe_unused]] const int line_by_line = std::setvbuf(stdout, nullptr, _IOLBF, 0);
[[maybe_unused]] const int instrument_kernels = kSanitized ? setenv("SWM_SANITIZE", "1", 1) : 0;

}  // namespace
}  // namespace swm::test

// What the Objective-C runtime keeps of its classes is no leak. Only whole stacks show who it was.
extern "C" {
__attribute__((visibility("default"))) const char* __asan_default_options() {
  return "fast_unwind_on_malloc=0";
}
__attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:libobjc.so\n";
}
}

namespace swm::test {

Environment::Environment(const char* name, const std::string& value) : name_(name) {
  const char* before = std::getenv(name);
  had_ = before != nullptr;
  before_ = before ? before : "";
  setenv(name, value.c_str(), 1);
}

Environment::~Environment() {
  if (had_) {
    setenv(name_, before_.c_str(), 1);
  } else {
    unsetenv(name_);
  }
}

std::string Abort(const std::function<void()>& body) {
  std::fflush(nullptr);
  int ends[2];
  if (pipe(ends) != 0) return "";
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    body();
    _exit(0);
  }
  close(ends[1]);
  std::string written;
  char bytes[4096];
  for (ssize_t count; (count = read(ends[0], bytes, sizeof bytes)) > 0;) {
    written.append(bytes, static_cast<size_t>(count));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "" : written;
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace swm::test
