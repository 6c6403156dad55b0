// Functions that CUDA has at global scope, for every floating type, and C++ has not or elsewhere.
#pragma once

#include "language.h"

using std::acosh;
using std::asinh;
using std::atanh;
using std::cbrt;
using std::copysign;
using std::erf;
using std::erfc;
using std::exp2;
using std::expm1;
using std::fdim;
using std::fma;
using std::fmax;
using std::fmin;
using std::frexp;
using std::hypot;
using std::ilogb;
using std::ldexp;
using std::lgamma;
using std::llrint;
using std::llround;
using std::log1p;
using std::log2;
using std::logb;
using std::lrint;
using std::modf;
using std::nearbyint;
using std::nextafter;
using std::remainder;
using std::remquo;
using std::rint;
using std::round;
using std::scalbn;
using std::tgamma;
using std::trunc;

namespace cupy_on_cpu {

template <class A, class B>
using common_number =
    std::enable_if_t<std::is_arithmetic<A>::value && std::is_arithmetic<B>::value, std::common_type_t<A, B>>;

}  // namespace cupy_on_cpu

// Of a number and a NaN, CUDA's take the number.
template <class A, class B, class C = cupy_on_cpu::common_number<A, B>>
C min(A a, B b) {
    if constexpr (std::is_floating_point<C>::value) return std::fmin(C(a), C(b));
    return C(b) < C(a) ? C(b) : C(a);
}

template <class A, class B, class C = cupy_on_cpu::common_number<A, B>>
C max(A a, B b) {
    if constexpr (std::is_floating_point<C>::value) return std::fmax(C(a), C(b));
    return C(a) < C(b) ? C(b) : C(a);
}

// CUDA's Bessel functions have no negative orders.
inline double cupy_on_cpu_jn(int n, double x) { return n < 0 ? NAN : jn(n, x); }
inline double cupy_on_cpu_yn(int n, double x) { return n < 0 ? NAN : yn(n, x); }
#define jn cupy_on_cpu_jn
#define yn cupy_on_cpu_yn

inline float rsqrt(float x) { return 1.0f / sqrtf(x); }
inline float rsqrtf(float x) { return rsqrt(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float rcbrt(float x) { return 1.0f / cbrtf(x); }
inline double rcbrt(double x) { return 1.0 / cbrt(x); }
inline float sinpi(float x) { return static_cast<float>(sin(M_PI * x)); }
inline double sinpi(double x) { return sin(M_PI * x); }
inline float cospi(float x) { return static_cast<float>(cos(M_PI * x)); }
inline double cospi(double x) { return cos(M_PI * x); }

// The fast ones: as exact as the others here, and less on a GPU.
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __fdividef(float a, float b) { return a / b; }

inline float cyl_bessel_i0(float x) { return static_cast<float>(std::cyl_bessel_i(0, fabsf(x))); }
inline double cyl_bessel_i0(double x) { return std::cyl_bessel_i(0, fabs(x)); }
inline float cyl_bessel_i1(float x) { return copysignf(static_cast<float>(std::cyl_bessel_i(1, fabsf(x))), x); }
inline double cyl_bessel_i1(double x) { return copysign(std::cyl_bessel_i(1, fabs(x)), x); }
inline float cyl_bessel_i0f(float x) { return cyl_bessel_i0(x); }
inline float cyl_bessel_i1f(float x) { return cyl_bessel_i1(x); }

inline double normcdf(double x) { return 0.5 * erfc(-x / M_SQRT2); }
inline float normcdf(float x) { return static_cast<float>(normcdf(static_cast<double>(x))); }
inline float normcdff(float x) { return normcdf(x); }

// The normal distribution's inverse: a start of one or two digits, then Halley's steps on the distribution itself.
inline double normcdfinv(double p) {
    if (!(p > 0 && p < 1)) return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
    const double tail = p < 0.5 ? p : 1 - p;
    const double t = sqrt(-2 * log(tail));
    double x = t - (2.30753 + 0.27061 * t) / (1 + t * (0.99229 + 0.04481 * t));
    if (p < 0.5) x = -x;
    for (int i = 0; i < 4; ++i) {
        const double error = p < 0.5 ? normcdf(x) - p : (1 - p) - normcdf(-x);
        const double step = error * sqrt(2 * M_PI) * exp(x * x / 2);
        x -= step / (1 + x * step / 2);
    }
    return x;
}
inline float normcdfinv(float p) { return static_cast<float>(normcdfinv(static_cast<double>(p))); }
inline float normcdfinvf(float p) { return normcdfinv(p); }
inline double erfinv(double y) { return normcdfinv((y + 1) / 2) / M_SQRT2; }
inline float erfinv(float y) { return static_cast<float>(erfinv(static_cast<double>(y))); }
inline double erfcinv(double y) { return -normcdfinv(y / 2) / M_SQRT2; }
inline float erfcinv(float y) { return static_cast<float>(erfcinv(static_cast<double>(y))); }
inline double erfcx(double x) { return exp(x * x) * erfc(x); }
inline float erfcx(float x) { return static_cast<float>(erfcx(static_cast<double>(x))); }
inline float erfcxf(float x) { return erfcx(x); }
