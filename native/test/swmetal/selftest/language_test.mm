// What of C++ kernels may use, and what the compiler refuses as Apple's does.
#include "test/check.h"
#include "test/swmetal/selftest/gpu.h"
#include "test/swmetal/selftest/tools.h"

using swm::test::Changed;
using swm::test::Contains;
using swm::test::Gpu;
using swm::test::KernelText;

namespace {

// What the compiler says of a source; empty if it takes it.
std::string Refusal(const std::string& source) {
  @autoreleasepool {
    id<MTLDevice> device = MTLCreateSystemDefaultDevice();
    NSError* error = nil;
    id<MTLLibrary> library = [device newLibraryWithSource:[NSString stringWithUTF8String:source.c_str()]
                                                  options:nil
                                                    error:&error];
    const std::string text = library ? "" : [[error localizedDescription] UTF8String];
    [library release];
    [device release];
    return text;
  }
}

// A kernel with some lines before it and in it.
std::string Source(const std::string& before, const std::string& inside) {
  return "#include <metal_stdlib>\nusing namespace metal;\n" + before +
         "\nkernel void k(device float* out [[buffer(0)]], uint gid [[thread_position_in_grid]]) {\n  float "
         "x = 1.0f;\n  " +
         inside + "\n  out[gid] = x;\n}\n";
}

void CheckRefused(const std::string& source, const std::string& reason) {
  const std::string text = Refusal(source);
  CHECK(Contains(text, reason), "Expected %s, was %s", reason.c_str(), text.c_str());
}

}  // namespace

TEST("structs have member functions, templates, static members and constants; kernels come from macros") {
  Gpu gpu("language.metal");
  const std::vector<float> points = {3, 1, 0, 0, 0, 0};
  id<MTLBuffer> out = gpu.Buffer(std::vector<float>(9));
  id<MTLBuffer> structs = gpu.Buffer(points);
  gpu.Run("members", {out, structs}, 1, 1);
  const float want[9] = {14.5f, 15, 16, 35, 0.875f, 7, 4.5f, 4, 3};
  for (int i = 0; i < 9; ++i)
    CHECK(Gpu::Read<float>(out)[i] == want[i], "%d: %g", i, Gpu::Read<float>(out)[i]);
  const float moved[6] = {3, 1, 4, 1, 3, 1};
  for (int i = 0; i < 6; ++i) CHECK(Gpu::Read<float>(structs)[i] == moved[i], "at %d", i);
  const uint32_t count = 3;
  id<MTLBuffer> copies = gpu.Buffer(std::vector<float>(4));
  gpu.Run("copy_float", {structs, copies}, count, 4, 4);
  CHECK(Gpu::Read<float>(copies)[2] == 4 && Gpu::Read<float>(copies)[3] == 0);
}

TEST("a plain kernel is taken, so that refusals mean something") {
  CHECK(Refusal(Source("", "x += 1.0f;")) == "");
}

TEST("pointers and references need an address space, and keep it") {
  CheckRefused(Source("", "float* p = &x; x = *p;"), "without an address space");
  CheckRefused(Source("", "auto& y = x; threadgroup float* p = &y; x = *p;"), "'__local float *__private'");
  CheckRefused(Source("static inline float f(float& y) { return y; }", "x = f(x);"),
               "without an address space");
  CheckRefused(Source("struct S { float* p; };", "S s; s.p = &x; x = *s.p;"), "without an address space");
  CheckRefused(Source("using P = float*;", "P p = &x; x = *p;"), "without an address space");
  CheckRefused(Source("", "x = *(float*)out;"), "without an address space");
  CheckRefused(Source("", "threadgroup float* p = out; x = *p;"), "'__local float *__private'");
  CheckRefused(Source("constexpr uint kN = 3;", "x = float(kN);"), "constant address space");
  CheckRefused(
      Source("struct S { float a; float Get() const { return a; } };", "x = ((device S*)out)[gid].Get();"),
      "for objects in thread is called on '__global S'");
  CheckRefused(
      Source("struct S { float operator()(float y) const { return y; } };", "x = ((device S*)out)[gid](x);"),
      "for objects in thread is called on");
}

TEST("parts of C++ that MSL leaves out are refused") {
  CheckRefused(Source("", "auto f = [](float y) { return y; }; x = f(x);"), "lambda");
  CheckRefused(Source("", "goto end; end: x += 1.0f;"), "goto");
  CheckRefused(Source("struct S { float a; S(float b) : a(b) {} };", "S s(x); x = s.a;"), "constructor");
  CheckRefused(Source("struct S { float a; ~S() {} };", "S s; s.a = x; x = s.a;"), "destructor");
  CheckRefused(Source("struct S { float a; virtual float f() { return a; } };", ""), "virtual");
  CheckRefused(Source("struct A { float a; }; struct B : A { float b; };", "B b; b.a = x;"), "base class");
  CheckRefused(Source("static float f(float y) { return y > 0.0f ? f(y - 1.0f) : y; }", "x = f(x);"),
               "recursion");
  CheckRefused(Source("static float g(float y);\nstatic float f(float y) { return g(y); }\n"
                      "static float g(float y) { return y > 0.0f ? f(y - 1.0f) : y; }",
                      "x = f(x);"),
               "recursion");
  CheckRefused(Source("static float f(float y) { return y; }", "float (*p)(float) = f; x = p(x);"),
               "pointer");
  CheckRefused(Source("", "thread float* p = new float[3]; x = *p;"), "new");
  CheckRefused(Source("", "try { x = 2.0f; } catch (...) {}"), "exceptions");
  CheckRefused(Source("", "static int n = 1; x = float(n);"), "static");
  CheckRefused(Source("", "double y = 1.0; x = float(y);"), "double");
  CheckRefused(Source("", "x = erf(x);"), "erf");
  CheckRefused(Source("", "float sampler = x; x = sampler;"), "poisoned");
  CheckRefused(Source("", "atomic_uint n; atomic_fetch_add_explicit(&n, 1u, memory_order_seq_cst);"),
               "memory_order_seq_cst");
  CheckRefused(Source("", "float3 v = float4(1.0f, 2.0f, 3.0f, 4.0f); x = v.x;"), "float3");
}

TEST("kernels are no templates, and their parameters have one known attribute each") {
  const std::string plain = Source("", "");
  CheckRefused(Changed(plain, "kernel void", "template <typename T> kernel void"), "template");
  CheckRefused(Changed(plain, "thread_position_in_grid", "thread_position_in_gird"),
               "without an attribute known here");
  CheckRefused(Changed(plain, " [[buffer(0)]]", ""), "without an attribute known here");
  CheckRefused(Changed(plain, "buffer(0)", "buffer(31)"), "outside 0..30");
  CheckRefused(Changed(plain, "uint gid [[", "device uint* y [[buffer(0)]], uint gid [["),
               "buffer index 0 is taken");
  CheckRefused(Changed(plain, "uint gid [[", "uint3 n [[threads_per_grid]], uint gid [["),
               "must share one type");
  CheckRefused(Changed(plain, "device float* out", "threadgroup float* out"), "device or constant");
}

TEST("a member function may name the address space of its object") {
  const std::string body = "S s; s.a = x; s.Add(); x = s.a;";
  const std::string helper = "static inline void Bump(thread float& y) { y += 1.0f; }\n";
  CHECK(Refusal(Source(helper + "struct S { float a; void Add() thread { Bump(a); } };", body)) == "");
  CheckRefused(Source(helper + "struct S { float a; void Add() { Bump(a); } };", body),
               "in MSL *this is in thread");
}
