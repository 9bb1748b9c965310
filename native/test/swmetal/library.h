// A compiled library of kernels, opened.
#ifndef NAUTILUS_TEST_SWMETAL_LIBRARY_H_
#define NAUTILUS_TEST_SWMETAL_LIBRARY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "test/swmetal/abi.h"

namespace swm {

class Library {
 public:
  // Opens what metalc wrote. Returns null and the reason in `error` if `path` is no such library.
  static std::shared_ptr<Library> Open(const std::string& path, std::string* error);
  // The library that SWM_PATCH names: its kernels take the place of those of the same name, broken ones that
  // tests must notice. Null without one.
  static const std::shared_ptr<Library>& Patch();
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  // Null when there is no kernel of that name.
  const swm_function* Find(const std::string& name) const;
  // All kernels; the last has no name.
  const swm_function* functions() const { return functions_; }

 private:
  Library(void* handle, const swm_function* functions) : handle_(handle), functions_(functions) {}

  void* handle_;
  const swm_function* functions_;
};

// Bytes of threadgroup memory that a kernel declares, each variable rounded up to 16 as on a device.
uint32_t ThreadgroupBytes(const swm_function& function);

}  // namespace swm

#endif  // NAUTILUS_TEST_SWMETAL_LIBRARY_H_
