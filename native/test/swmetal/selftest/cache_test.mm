// The cache of compiled libraries.
#include <filesystem>

#include "test/check.h"
#include "test/swmetal/selftest/gpu.h"
#include "test/swmetal/selftest/tools.h"

using swm::test::Abort;
using swm::test::Contains;
using swm::test::Environment;
using swm::test::KernelText;

namespace fs = std::filesystem;

namespace {

// What goes wrong when basics.metal is compiled in that math mode; empty if nothing does.
std::string Compiled(MTLMathMode mode, const std::string& addition = "") {
  @autoreleasepool {
    id<MTLDevice> device = MTLCreateSystemDefaultDevice();
    MTLCompileOptions* options = [[MTLCompileOptions new] autorelease];
    options.mathMode = mode;
    NSError* error = nil;
    NSString* source = [NSString stringWithUTF8String:(KernelText("basics.metal") + addition).c_str()];
    id<MTLLibrary> library = [device newLibraryWithSource:source options:options error:&error];
    const std::string text = library ? "" : [[error localizedDescription] UTF8String];
    [library release];
    [device release];
    return text;
  }
}

int FileCount(const fs::path& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST("a library is compiled once for each source, each set of options and each set of flags") {
  const fs::path folder = fs::temp_directory_path() / ("swmetal-selftest-" + std::to_string(getpid()));
  const Environment cache("SWM_CACHE", folder.string());
  CHECK(Compiled(MTLMathModeSafe) == "");
  CHECK(FileCount(folder) == 1);
  {
    // With no compiler at hand, only what is in the cache can be had, in this process and the next.
    const Environment no_compiler("SWM_BUN", "/nonexistent/bun");
    CHECK(Compiled(MTLMathModeSafe) == "");
    CHECK(Abort([] { Compiled(MTLMathModeSafe) == "" ? _exit(0) : std::abort(); }) == "");
    CHECK(Contains(Compiled(MTLMathModeRelaxed), "Expected bun"), "%s", Compiled(MTLMathModeRelaxed).c_str());
    CHECK(Contains(Compiled(MTLMathModeSafe, "// another\n"), "Expected bun"));
    const Environment flags("SWM_CFLAGS", "-DOTHER=1");
    CHECK(Contains(Compiled(MTLMathModeSafe), "Expected bun"));
  }
  CHECK(Compiled(MTLMathModeRelaxed) == "");
  CHECK(Compiled(MTLMathModeSafe, "// another\n") == "");
  CHECK(FileCount(folder) == 3);
  CHECK(Contains(Compiled(MTLMathModeSafe, "wrong\n"), "program_source"));
  CHECK(FileCount(folder) == 3);
  fs::remove_all(folder);
}

TEST("a library opens from a file, and a file that is none tells so") {
  @autoreleasepool {
    id<MTLDevice> device = MTLCreateSystemDefaultDevice();
    NSError* error = nil;
    NSURL* url = [NSURL fileURLWithPath:[NSString stringWithUTF8String:SWM_SELFTEST_KERNELS "/basics.metal"]];
    CHECK(![device newLibraryWithURL:url error:&error]);
    CHECK([[error domain] isEqualToString:MTLLibraryErrorDomain]);
    [device release];
  }
}
