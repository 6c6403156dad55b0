// Operations on bits, and arithmetic whose rounding is in its name.
#pragma once

#include "language.h"

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }

inline unsigned __brev(unsigned x) {
    unsigned reversed = 0;
    for (int i = 0; i < 32; ++i) reversed |= (x >> i & 1u) << (31 - i);
    return reversed;
}

inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned long long>(a) * b >> 32; }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return static_cast<unsigned __int128>(a) * b >> 64;
}

namespace cupy_on_cpu {

template <class To, class From>
To bits_as(From value) {
    static_assert(sizeof(To) == sizeof(From), "as many bits");
    To result;
    memcpy(&result, &value, sizeof result);
    return result;
}

}  // namespace cupy_on_cpu

inline int __float_as_int(float x) { return cupy_on_cpu::bits_as<int>(x); }
inline float __int_as_float(int x) { return cupy_on_cpu::bits_as<float>(x); }
inline unsigned __float_as_uint(float x) { return cupy_on_cpu::bits_as<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return cupy_on_cpu::bits_as<float>(x); }
inline long long __double_as_longlong(double x) { return cupy_on_cpu::bits_as<long long>(x); }
inline double __longlong_as_double(long long x) { return cupy_on_cpu::bits_as<double>(x); }
inline int __double2hiint(double x) { return static_cast<int>(__double_as_longlong(x) >> 32); }
inline int __double2loint(double x) { return static_cast<int>(__double_as_longlong(x)); }
inline double __hiloint2double(int high, int low) {
    const auto shifted = static_cast<unsigned long long>(static_cast<unsigned>(high)) << 32;
    return __longlong_as_double(static_cast<long long>(shifted | static_cast<unsigned>(low)));
}

template <class T>
T __ldg(const T* address) {
    return *address;
}

inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __fsqrt_rn(float a) { return sqrtf(a); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
inline long long __float2ll_rn(float x) { return llrintf(x); }
inline void __trap() { __builtin_trap(); }
