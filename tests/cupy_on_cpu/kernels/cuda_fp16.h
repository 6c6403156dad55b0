// Half precision, by the compiler's own type.
#pragma once

#include "language.h"

struct __half_raw {
    unsigned short x;
};

struct __half {
    _Float16 value;

    __half() = default;
    __half(float x) : value(static_cast<_Float16>(x)) {}
    __half(double x) : value(static_cast<_Float16>(x)) {}
    __half(int x) : value(static_cast<_Float16>(x)) {}
    __half(unsigned x) : value(static_cast<_Float16>(x)) {}
    __half(long long x) : value(static_cast<_Float16>(x)) {}
    __half(unsigned long long x) : value(static_cast<_Float16>(x)) {}
    __half(const __half_raw& raw) { memcpy(&value, &raw.x, sizeof value); }

    operator float() const { return static_cast<float>(value); }
    operator __half_raw() const {
        __half_raw raw;
        memcpy(&raw.x, &value, sizeof value);
        return raw;
    }
};
typedef __half half;

inline unsigned short __half_as_ushort(__half x) { return static_cast<__half_raw>(x).x; }
inline __half __ushort_as_half(unsigned short bits) { return __half_raw{bits}; }
inline __half __float2half(float x) { return x; }
inline __half __float2half_rn(float x) { return x; }
inline float __half2float(__half x) { return x; }
