// Reads faults from the environment.
#include "test/swmetal/faults.h"

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace swm {

void Misuse(const char* format, ...) {
  std::fputs("SoftMetal: ", stderr);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  std::abort();
}

namespace faults {
namespace {

std::atomic<uint64_t> committed{0};
std::atomic<uint64_t> asked{0};

// Null when the variable is absent or empty.
const char* Text(const char* name) {
  const char* text = std::getenv(name);
  return text && *text ? text : nullptr;
}

bool Is1(const char* name) {
  const char* text = Text(name);
  return text && std::strcmp(text, "1") == 0;
}

uint64_t Number(const char* name, uint64_t otherwise) {
  const char* text = Text(name);
  if (!text) return otherwise;
  char* end = nullptr;
  const uint64_t number = std::strtoull(text, &end, 10);
  if (*end != '\0') Misuse("Expected a whole number for %s, was %s", name, text);
  return number;
}

struct NumberedError {
  uint64_t buffer;
  int code;
};

// Reads n:code. Buffer 0 stands for an absent variable, since buffers count from 1.
NumberedError Numbered(const char* name) {
  const char* text = Text(name);
  if (!text) return {0, 0};
  unsigned long long buffer = 0;
  int code = 0;
  if (std::sscanf(text, "%llu:%d", &buffer, &code) != 2 || buffer == 0 || code == 0) {
    Misuse("Expected number:code for %s, was %s", name, text);
  }
  return {buffer, code};
}

}  // namespace

bool NoDevice() { return Is1("SWM_NO_DEVICE"); }
int Family() { return static_cast<int>(Number("SWM_FAMILY", 9)); }
bool FailCompile() { return Is1("SWM_FAIL_COMPILE"); }
uint32_t MaxThreads() { return static_cast<uint32_t>(Number("SWM_MAX_THREADS", 1024)); }
uint64_t MaxBuffer() { return Number("SWM_MAX_BUFFER", uint64_t{8} << 30); }
bool OutOfMemory() {
  const uint64_t number = ++asked;
  const uint64_t from = Number("SWM_OUT_OF_MEMORY", 0);
  return from != 0 && number >= from;
}

uint64_t Asked() { return asked; }

bool FailKernel(const std::string& name) {
  const char* text = Text("SWM_FAIL_KERNEL");
  return text && name == text;
}

std::optional<double> GpuMs() {
  const char* text = Text("SWM_GPU_MS");
  if (!text) return std::nullopt;
  return std::strtod(text, nullptr);
}

void Trace(const char* kernel) {
  static std::atomic<const char*> last{nullptr};
  if (Is1("SWM_TRACE") && last.exchange(kernel) != kernel) std::printf("runs %s\n", kernel);
}

uint64_t Committed() { return committed; }

int CommitError() {
  const uint64_t number = ++committed;
  const NumberedError one = Numbered("SWM_FAIL_BUFFER");
  if (one.buffer == number) return one.code;
  const NumberedError all = Numbered("SWM_FAIL_FROM");
  return all.buffer != 0 && number >= all.buffer ? all.code : 0;
}

}  // namespace faults
}  // namespace swm
