// QR: the decomposition, its orthogonal matrix, and products with it.

#include "solver.h"

using namespace cupy_on_cpu;
using namespace cupy_on_cpu::blas;
using namespace cupy_on_cpu::solver;

namespace {

template <class T>
int decompose(Int m, Int n, T* a, Int lda, T* tau, int* info) {
    Int failed = 0;
    with_workspace<T>([&](T* work, Int size) { fortran<T>("geqrf", &m, &n, a, &lda, tau, work, &size, &failed); });
    *info = static_cast<int>(failed);
    return success;
}

template <class T>
int orthogonal(Int m, Int n, Int k, T* a, Int lda, const T* tau, int* info) {
    Int failed = 0;
    const char* routine = Scalar<T>::is_complex ? "ungqr" : "orgqr";
    with_workspace<T>([&](T* work, Int size) { fortran<T>(routine, &m, &n, &k, a, &lda, tau, work, &size, &failed); });
    *info = static_cast<int>(failed);
    return success;
}

template <class T>
int multiply(int from, int op, Int m, Int n, Int k, const T* a, Int lda, const T* tau, T* c, Int ldc, int* info) {
    Int failed = 0;
    const char* routine = Scalar<T>::is_complex ? "unmqr" : "ormqr";
    with_workspace<T>([&](T* work, Int size) {
        fortran<T>(routine, side(from), operation(op), &m, &n, &k, a, &lda, tau, c, &ldc, work, &size, &failed,
                   one_letter, one_letter);
    });
    *info = static_cast<int>(failed);
    return success;
}

}  // namespace

extern "C" {

#define DEFINE(P, Q, T)                                                                                              \
    DEFINE_WORKSPACE(P##geqrf, (void*, int, int, T*, int, int* size))                                                \
    DEFINE_WORKSPACE(P##Q##gqr, (void*, int, int, int, const T*, int, const T*, int* size))                          \
    DEFINE_WORKSPACE(P##Q##mqr, (void*, int, int, int, int, int, const T*, int, const T*, const T*, int, int* size)) \
    int cusolverDn##P##geqrf(void*, int m, int n, T* a, int lda, T* tau, T*, int, int* info) {                       \
        return decompose<T>(m, n, a, lda, tau, info);                                                                \
    }                                                                                                                \
    int cusolverDn##P##Q##gqr(void*, int m, int n, int k, T* a, int lda, const T* tau, T*, int, int* info) {         \
        return orthogonal<T>(m, n, k, a, lda, tau, info);                                                            \
    }                                                                                                                \
    int cusolverDn##P##Q##mqr(void*, int from, int op, int m, int n, int k, const T* a, int lda, const T* tau, T* c, \
                              int ldc, T*, int, int* info) {                                                         \
        return multiply<T>(from, op, m, n, k, a, lda, tau, c, ldc, info);                                            \
    }
DEFINE(S, or, float)
DEFINE(D, or, double)
DEFINE(C, un, Complex)
DEFINE(Z, un, DoubleComplex)
#undef DEFINE

}  // extern "C"
