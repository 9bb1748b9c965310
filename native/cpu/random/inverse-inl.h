// The normal distribution function and its inverse over lanes. Include inside foreach_target.
#if defined(NAUTILUS_CPU_RANDOM_INVERSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_RANDOM_INVERSE_INL_H_
#undef NAUTILUS_CPU_RANDOM_INVERSE_INL_H_
#else
#define NAUTILUS_CPU_RANDOM_INVERSE_INL_H_
#endif

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Returns the sum of c[i] x^i by Horner's rule: the fewest operations, and neighbouring steps hide the
// latency.
template <class D, class V, typename T, size_t kTerms>
HWY_INLINE V Polynomial(D d, V x, const T (&c)[kTerms]) {
  V sum = hn::Set(d, static_cast<hn::TFromD<D>>(c[kTerms - 1]));
  for (size_t i = kTerms - 1; i-- > 0;)
    sum = hn::MulAdd(sum, x, hn::Set(d, static_cast<hn::TFromD<D>>(c[i])));
  return sum;
}

// float, double / 1e-6, 1e-14 relative / any z. Probability that a standard normal is above z: Hart 1968,
// Computer approximations, as in West 2005, Better approximations to cumulative normal functions.
template <class D, class V>
HWY_INLINE V NormalUpperTail(D d, V z) {
  using T = hn::TFromD<D>;
  static constexpr double kNumerator[] = {220.206867912376,    221.213596169931, 112.079291497871,
                                          33.912866078383,     6.37396220353165, 0.700383064443688,
                                          3.52624965998911E-02};
  static constexpr double kDenominator[] = {440.413735824752, 793.826512519948,    637.333633378831,
                                            296.564248779674, 86.7807322029461,    16.064177579207,
                                            1.75566716318264, 8.83883476483184E-02};
  const V x = hn::Min(hn::Abs(z), hn::Set(d, sizeof(T) == 4 ? T{13} : T{37}));
  const V e = hn::Exp(d, hn::Mul(hn::Mul(x, x), hn::Set(d, T(-0.5))));
  const V near = hn::Div(hn::Mul(e, Polynomial(d, x, kNumerator)), Polynomial(d, x, kDenominator));
  const V seven = hn::Set(d, T(7.07106781186547));
  V tail = near;
  const auto far = hn::Gt(x, seven);
  if (!hn::AllFalse(d, far)) {
    V build = hn::Add(x, hn::Set(d, T(0.65)));
    for (int i = 4; i > 0; --i) build = hn::Add(x, hn::Div(hn::Set(d, static_cast<T>(i)), build));
    tail = hn::IfThenElse(far, hn::Div(e, hn::Mul(build, hn::Set(d, T(2.506628274631)))), tail);
  }
  return hn::IfThenElse(hn::Lt(z, hn::Zero(d)), hn::Sub(hn::Set(d, T{1}), tail), tail);
}

// float, double / 1e-6, 1e-15 relative / 0 < tail <= 1/2. The normal of probability 1/2 + centre; `tail` is
// the smaller of that and its complement, given apart because it is exact where the other one is not. Wichura
// 1988, AS 241: PPND7 in f32, PPND16 in f64.
template <class D, class V>
HWY_INLINE V InverseNormal(D d, V centre, V tail) {
  using T = hn::TFromD<D>;
  V near, far;
  const V r_near = hn::NegMulAdd(centre, centre, hn::Set(d, T(0.180625)));
  const V r = hn::Sqrt(hn::Neg(hn::Log(d, tail)));
  const auto very_far = hn::Gt(r, hn::Set(d, T{5}));
  if constexpr (sizeof(T) == 4) {
    static constexpr float kA[] = {3.3871327179E+00f, 5.0434271938E+01f, 1.5929113202E+02f,
                                   5.9109374720E+01f};
    static constexpr float kB[] = {1.0f, 1.7895169469E+01f, 7.8757757664E+01f, 6.7187563600E+01f};
    static constexpr float kC[] = {1.4234372777E+00f, 2.7568153900E+00f, 1.3067284816E+00f,
                                   1.7023821103E-01f};
    static constexpr float kD[] = {1.0f, 7.3700164250E-01f, 1.2021132975E-01f};
    near = hn::Div(hn::Mul(centre, Polynomial(d, r_near, kA)), Polynomial(d, r_near, kB));
    const V s = hn::Sub(r, hn::Set(d, T(1.6)));
    far = hn::Div(Polynomial(d, s, kC), Polynomial(d, s, kD));
  } else {
    static constexpr double kA[] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                                    1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                    4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                    3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static constexpr double kB[] = {1.0,
                                    4.2313330701600911252e+1,
                                    6.8718700749205790830e+2,
                                    5.3941960214247511077e+3,
                                    2.1213794301586595867e+4,
                                    3.9307895800092710610e+4,
                                    2.8729085735721942674e+4,
                                    5.2264952788528545610e+3};
    static constexpr double kC[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                    5.76949722146069140550e0,  3.64784832476320460504e0,
                                    1.27045825245236838258e0,  2.41780725177450611770e-1,
                                    2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static constexpr double kD[] = {1.0,
                                    2.05319162663775882187e0,
                                    1.67638483018380384940e0,
                                    6.89767334985100004550e-1,
                                    1.48103976427480074590e-1,
                                    1.51986665636164571966e-2,
                                    5.47593808499534494600e-4,
                                    1.05075007164441684324e-9};
    static constexpr double kE[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                    1.78482653991729133580e0,  2.96560571828504891230e-1,
                                    2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                    2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static constexpr double kF[] = {1.0,
                                    5.99832206555887937690e-1,
                                    1.36929880922735805310e-1,
                                    1.48753612908506148525e-2,
                                    7.86869131145613259100e-4,
                                    1.84631831751005468180e-5,
                                    1.42151175831644588870e-7,
                                    2.04426310338993978564e-15};
    near = hn::Div(hn::Mul(centre, Polynomial(d, r_near, kA)), Polynomial(d, r_near, kB));
    const V s = hn::Sub(r, hn::Set(d, T(1.6)));
    far = hn::Div(Polynomial(d, s, kC), Polynomial(d, s, kD));
    if (!hn::AllFalse(d, very_far)) {
      const V w = hn::Sub(r, hn::Set(d, T{5}));
      far = hn::IfThenElse(very_far, hn::Div(Polynomial(d, w, kE), Polynomial(d, w, kF)), far);
    }
  }
  far = hn::CopySign(far, centre);
  return hn::IfThenElse(hn::Le(hn::Abs(centre), hn::Set(d, T(0.425))), near, far);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_RANDOM_INVERSE_INL_H_
