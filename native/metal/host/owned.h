// One reference to an Objective-C object, as `new` and `alloc` return it. The host is compiled without ARC:
// the software device of the tests has none.
#ifndef NAUTILUS_METAL_HOST_OWNED_H_
#define NAUTILUS_METAL_HOST_OWNED_H_

#import <Foundation/Foundation.h>

#include <utility>

#if __has_feature(objc_arc)
#error "build with -fno-objc-arc"
#endif

namespace nautilus::metal {

template <typename T>
class Owned {
 public:
  Owned() = default;
  explicit Owned(T object) : object_(object) {}
  Owned(Owned&& other) noexcept : object_(std::exchange(other.object_, nil)) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Owned() { [object_ release]; }

  T get() const { return object_; }
  explicit operator bool() const { return object_ != nil; }

 private:
  T object_ = nil;
};

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_OWNED_H_
