// Vectors: level 1 of BLAS. What BLAS returns as a complex value, each compiler in its own way, is a loop here.

#include <cmath>

#include "blas.h"
#include "handle.h"

using namespace cupy_on_cpu;
using namespace cupy_on_cpu::blas;

namespace {

template <class T>
int axpy(Int n, const T* alpha, const T* x, Int step_x, T* y, Int step_y) {
    fortran<T>("axpy", &n, alpha, x, &step_x, y, &step_y);
    return success;
}

template <class T, class Factor>
int scale(int n, const Factor* alpha, T* x, int step) {
    for (int i = 0; i < n; ++i) x[static_cast<size_t>(i) * step] *= *alpha;
    return success;
}

template <class T>
int dot(int n, const T* x, int step_x, const T* y, int step_y, T* result, bool conjugated) {
    T sum{};
    for (Int i = 0; i < n; ++i) {
        const T factor = x[i * step_x];
        sum += (conjugated ? conjugate(factor) : factor) * y[i * step_y];
    }
    *result = sum;
    return success;
}

// BLAS's modulus: of a complex number the sum of its parts' moduli.
template <class T>
Real<T> modulus(T x) {
    return std::abs(std::real(x)) + std::abs(std::imag(x));
}

template <class T>
int sum_of_moduli(int n, const T* x, int step, Real<T>* result) {
    *result = 0;
    for (Int i = 0; i < n; ++i) *result += modulus(x[i * step]);
    return success;
}

// Counted from one, zero for none.
template <class T, class Better>
int index_of(int n, const T* x, int step, int* result, Better better) {
    *result = n > 0 ? 1 : 0;
    for (Int i = 1; i < n; ++i) {
        if (better(modulus(x[i * step]), modulus(x[(*result - 1) * static_cast<Int>(step)]))) *result = i + 1;
    }
    return success;
}

template <class T>
int norm(int n, const T* x, int step, Real<T>* result) {
    using R = Real<T>;
    R largest = 0, sum = 0;
    for (Int i = 0; i < n; ++i) largest = std::max(largest, modulus(x[i * step]));
    if (largest == 0 || !std::isfinite(largest)) {
        *result = largest;
        return success;
    }
    for (Int i = 0; i < n; ++i) sum += std::norm(x[i * step] / largest);
    *result = largest * std::sqrt(sum);
    return success;
}

}  // namespace

extern "C" {

#define DEFINE(P, T)                                                                                   \
    int cublas##P##axpy_v2(Handle*, int n, const T* alpha, const T* x, int step_x, T* y, int step_y) { \
        return axpy<T>(n, alpha, x, step_x, y, step_y);                                                \
    }                                                                                                  \
    int cublas##P##scal_v2(Handle*, int n, const T* alpha, T* x, int step) { return scale(n, alpha, x, step); }
FOR_EACH_TYPE(DEFINE)
#undef DEFINE

#define DEFINE(LETTER, T)                                                             \
    int cublasI##LETTER##amax_v2(Handle*, int n, const T* x, int step, int* result) { \
        return index_of(n, x, step, result, [](auto a, auto b) { return a > b; });    \
    }                                                                                 \
    int cublasI##LETTER##amin_v2(Handle*, int n, const T* x, int step, int* result) { \
        return index_of(n, x, step, result, [](auto a, auto b) { return a < b; });    \
    }
DEFINE(s, float)
DEFINE(d, double)
DEFINE(c, Complex)
DEFINE(z, DoubleComplex)
#undef DEFINE

#define DEFINE(NAME, T)                                                                \
    int cublas##NAME##nrm2_v2(Handle*, int n, const T* x, int step, Real<T>* result) { \
        return norm(n, x, step, result);                                               \
    }                                                                                  \
    int cublas##NAME##asum_v2(Handle*, int n, const T* x, int step, Real<T>* result) { \
        return sum_of_moduli(n, x, step, result);                                      \
    }
DEFINE(S, float)
DEFINE(D, double)
DEFINE(Sc, Complex)
DEFINE(Dz, DoubleComplex)
#undef DEFINE

#define DEFINE(NAME, T, CONJUGATED)                                                                    \
    int cublas##NAME##_v2(Handle*, int n, const T* x, int step_x, const T* y, int step_y, T* result) { \
        return dot(n, x, step_x, y, step_y, result, CONJUGATED);                                       \
    }

DEFINE(Sdot, float, false)
DEFINE(Ddot, double, false)
DEFINE(Cdotu, Complex, false)
DEFINE(Cdotc, Complex, true)

DEFINE(Zdotu, DoubleComplex, false)
DEFINE(Zdotc, DoubleComplex, true)
#undef DEFINE

int cublasCsscal_v2(Handle*, int n, const float* alpha, Complex* x, int step) { return scale(n, alpha, x, step); }

int cublasZdscal_v2(Handle*, int n, const double* alpha, DoubleComplex* x, int step) {
    return scale(n, alpha, x, step);
}

}  // extern "C"
