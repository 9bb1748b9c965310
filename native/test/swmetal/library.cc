// Opens compiled libraries of kernels and connects them to the runtime.
#include "test/swmetal/library.h"

#include <dlfcn.h>

#include <cstdlib>

#include "test/swmetal/faults.h"
#include "test/swmetal/runtime.h"

namespace swm {

std::shared_ptr<Library> Library::Open(const std::string& path, std::string* error) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* reason = dlerror();
    *error = reason ? reason : path + " could not be opened";
    return nullptr;
  }
  auto attach = reinterpret_cast<void (*)(const swm_host*)>(dlsym(handle, "swm_attach"));
  auto functions = static_cast<const swm_function*>(dlsym(handle, "swm_functions"));
  if (!attach || !functions) {
    dlclose(handle);
    *error = path + " is no library of kernels";
    return nullptr;
  }
  attach(&Host());
  return std::shared_ptr<Library>(new Library(handle, functions));
}

const std::shared_ptr<Library>& Library::Patch() {
  static const auto* const patch = [] {
    std::string error;
    const char* path = std::getenv("SWM_PATCH");
    auto library = path ? Open(path, &error) : nullptr;
    if (path && !library) Misuse("%s", error.c_str());
    return new std::shared_ptr<Library>(std::move(library));
  }();
  return *patch;
}

Library::~Library() { dlclose(handle_); }

const swm_function* Library::Find(const std::string& name) const {
  for (const swm_function* function = functions_; function->name; ++function) {
    if (name == function->name) return function;
  }
  return nullptr;
}

uint32_t ThreadgroupBytes(const swm_function& function) {
  uint64_t bytes = 0;
  for (const swm_span* span = function.threadgroup; span->bytes != 0; ++span) {
    bytes += (span->bytes + 15) / 16 * 16;
  }
  return static_cast<uint32_t>(bytes);
}

}  // namespace swm
