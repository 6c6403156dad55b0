// Singular values, in cuSOLVER's three forms.

#include <algorithm>

#include "solver.h"

using namespace cupy_on_cpu;
using namespace cupy_on_cpu::blas;
using namespace cupy_on_cpu::solver;

namespace {

// A letter for each side says which vectors are wanted and where: A all, S those of values, O in place of a, N none.
template <class T>
int decompose(char job_u, char job_v, Int m, Int n, T* a, Int lda, Real<T>* values, T* u, Int ldu, T* vh, Int ldv,
              int* info) {
    Int failed = 0;
    if constexpr (Scalar<T>::is_complex) {
        std::vector<Real<T>> real_work(5 * std::min(m, n));
        with_workspace<T>([&](T* work, Int size) {
            fortran<T>("gesvd", &job_u, &job_v, &m, &n, a, &lda, values, u, &ldu, vh, &ldv, work, &size,
                       real_work.data(), &failed, one_letter, one_letter);
        });
    } else {
        with_workspace<T>([&](T* work, Int size) {
            fortran<T>("gesvd", &job_u, &job_v, &m, &n, a, &lda, values, u, &ldu, vh, &ldv, work, &size, &failed,
                       one_letter, one_letter);
        });
    }
    *info = static_cast<int>(failed);
    return success;
}

// As Jacobi's method gives them: V, not its conjugate transpose.
template <class T>
int decompose_jacobi(int mode, bool economical, Int m, Int n, T* a, Int lda, Real<T>* values, T* u, Int ldu, T* v,
                     Int ldv, int* info) {
    if (mode != with_vectors) return decompose<T>('N', 'N', m, n, a, lda, values, u, ldu, v, ldv, info);
    const char job = economical ? 'S' : 'A';
    const Int rows = economical ? std::min(m, n) : n;
    std::vector<T> vh(rows * n);
    const int status = decompose<T>(job, job, m, n, a, lda, values, u, ldu, vh.data(), rows, info);
    for (Int i = 0; i < rows; ++i) {
        for (Int j = 0; j < n; ++j) v[j + i * ldv] = conjugate(vh[i + j * rows]);
    }
    return status;
}

}  // namespace

extern "C" {

#define DEFINE(P, T)                                                                                                  \
    DEFINE_WORKSPACE(P##gesvd, (void*, int, int, int* size))                                                          \
    DEFINE_WORKSPACE(P##gesvdj, (void*, int, int, int, int, const T*, int, const Real<T>*, const T*, int, const T*,   \
                                 int, int* size, void*))                                                              \
    DEFINE_WORKSPACE(P##gesvdjBatched, (void*, int, int, int, const T*, int, const Real<T>*, const T*, int, const T*, \
                                        int, int* size, void*, int))                                                  \
    int cusolverDn##P##gesvd(void*, signed char job_u, signed char job_v, int m, int n, T* a, int lda,                \
                             Real<T>* values, T* u, int ldu, T* vh, int ldv, T*, int, Real<T>*, int* info) {          \
        return decompose<T>(job_u, job_v, m, n, a, lda, values, u, ldu, vh, ldv, info);                               \
    }                                                                                                                 \
    int cusolverDn##P##gesvdj(void*, int mode, int economical, int m, int n, T* a, int lda, Real<T>* values, T* u,    \
                              int ldu, T* v, int ldv, T*, int, int* info, void*) {                                    \
        return decompose_jacobi<T>(mode, economical, m, n, a, lda, values, u, ldu, v, ldv, info);                     \
    }                                                                                                                 \
    int cusolverDn##P##gesvdjBatched(void*, int mode, int m, int n, T* a, int lda, Real<T>* values, T* u, int ldu,    \
                                     T* v, int ldv, T*, int, int* info, void*, int batch) {                           \
        return for_each(batch, [=](int i) {                                                                           \
            const Int place = i;                                                                                      \
            decompose_jacobi<T>(mode, false, m, n, a + place * lda * n, lda, values + place * std::min(m, n),         \
                                u + place * ldu * m, ldu, v + place * ldv * n, ldv, info + i);                        \
        });                                                                                                           \
    }
FOR_EACH_TYPE(DEFINE)
#undef DEFINE

}  // extern "C"
