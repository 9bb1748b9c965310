// The cache of compiled libraries and the call of metalc.
#include "test/swmetal/compile.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "test/swmetal/faults.h"

#ifndef SWM_METALC_PATH
#define SWM_METALC_PATH "metalc.ts"
#endif

namespace swm {
namespace {

namespace fs = std::filesystem;

std::string Environment(const char* name, const std::string& otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? text : otherwise;
}

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Two runs of FNV-1a over all that decides what metalc writes.
class Key {
 public:
  void Add(const std::string& text) {
    AddByte(0);
    for (const char byte : text) AddByte(static_cast<unsigned char>(byte));
  }
  std::string Hex() const {
    char hex[33];
    std::snprintf(hex, sizeof hex, "%016llx%016llx", static_cast<unsigned long long>(first_),
                  static_cast<unsigned long long>(second_));
    return hex;
  }

 private:
  void AddByte(unsigned char byte) {
    constexpr uint64_t kPrime = 1099511628211u;
    first_ = (first_ ^ byte) * kPrime;
    second_ = (second_ ^ (byte + 97u)) * kPrime;
  }

  uint64_t first_ = 14695981039346656037u;
  uint64_t second_ = 0x9e3779b97f4a7c15u;
};

// The compiler and the headers that it compiles with.
void AddCompiler(const fs::path& metalc, Key* key) {
  const fs::path home = metalc.parent_path();
  std::vector<fs::path> files{metalc, home / "glue.c", home / "abi.h"};
  for (const char* folder : {"metalc", "msl"}) {
    std::error_code absent;
    for (const auto& entry : fs::recursive_directory_iterator(home / folder, absent)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    key->Add(file.filename().string());
    key->Add(ReadFile(file));
  }
}

fs::path CacheFolder() {
  const fs::path own = fs::temp_directory_path() / ("softmetal-" + std::to_string(getpid()));
  const fs::path folder = Environment("SWM_CACHE", own);
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) Misuse("Expected a folder at %s: %s", folder.c_str(), failure.message().c_str());
  static const int remove_own_at_exit = std::atexit([] {
    std::error_code ignored;
    fs::remove_all(fs::temp_directory_path() / ("softmetal-" + std::to_string(getpid())), ignored);
  });
  (void)remove_own_at_exit;
  return folder;
}

// Runs a command with its standard error in `log`. Returns whether it ended with 0.
bool RunCommand(const std::vector<std::string>& command, const fs::path& log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  pid_t child = 0;
  const int failure = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    std::ofstream(log) << "Expected bun on the PATH or by SWM_BUN, was " << command[0] << '\n';
    return false;
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Diagnostics name the source as Apple's compiler does.
std::string WithoutPath(std::string text, const std::string& path) {
  for (size_t at; (at = text.find(path)) != std::string::npos;) {
    text.replace(at, path.size(), "program_source");
  }
  return text;
}

}  // namespace

std::string Compile(const std::string& source, std::vector<std::string> options, std::string* error) {
  const fs::path metalc = Environment("SWM_METALC", SWM_METALC_PATH);
  if (Environment("SWM_SANITIZE", "") == "1") options.push_back("--sanitize");
  Key key;
  key.Add(source);
  for (const std::string& option : options) key.Add(option);
  key.Add(Environment("SWM_CFLAGS", ""));
  key.Add(Environment("SWM_CLANG", ""));
  AddCompiler(metalc, &key);
  const fs::path library = CacheFolder() / (key.Hex() + ".so");
  if (fs::exists(library)) return library;

  // Threads and processes may compile one source at once: metalc renames what it made into place.
  static std::atomic<int> compiled_here{0};
  const std::string unique = std::to_string(getpid()) + "-" + std::to_string(++compiled_here);
  const fs::path base = CacheFolder() / (key.Hex() + "." + unique);
  const fs::path text = base.string() + ".metal";
  const fs::path log = base.string() + ".log";
  std::ofstream(text) << source;
  std::vector<std::string> command{Environment("SWM_BUN", "bun"), metalc};
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), {library, text});
  const bool compiled = RunCommand(command, log);
  if (!compiled) *error = WithoutPath(ReadFile(log), text);
  std::error_code ignored;
  fs::remove(text, ignored);
  fs::remove(log, ignored);
  return compiled ? library.string() : std::string();
}

}  // namespace swm
