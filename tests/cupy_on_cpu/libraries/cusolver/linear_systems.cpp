// Decompositions that solve linear systems: Cholesky and LU.

#include <algorithm>

#include "solver.h"

using namespace cupy_on_cpu;
using namespace cupy_on_cpu::blas;
using namespace cupy_on_cpu::solver;

namespace {

template <class T>
void cholesky(int uplo, Int n, T* a, Int lda, int* info) {
    Int failed = 0;
    fortran<T>("potrf", fill(uplo), &n, a, &lda, &failed, one_letter);
    *info = static_cast<int>(failed);
}

template <class T>
void solve_cholesky(int uplo, Int n, Int columns, const T* a, Int lda, T* b, Int ldb, int* info) {
    Int failed = 0;
    fortran<T>("potrs", fill(uplo), &n, &columns, a, &lda, b, &ldb, &failed, one_letter);
    *info = static_cast<int>(failed);
}

template <class T>
void lu(Int m, Int n, T* a, Int lda, int* pivots, int* info) {
    std::vector<Int> rows(std::min(m, n));
    Int failed = 0;
    fortran<T>("getrf", &m, &n, a, &lda, rows.data(), &failed);
    std::copy(rows.begin(), rows.end(), pivots);
    *info = static_cast<int>(failed);
}

template <class T>
void solve_lu(int op, Int n, Int columns, const T* a, Int lda, const int* pivots, T* b, Int ldb, int* info) {
    const std::vector<Int> rows(pivots, pivots + n);
    Int failed = 0;
    fortran<T>("getrs", operation(op), &n, &columns, a, &lda, rows.data(), b, &ldb, &failed, one_letter);
    *info = static_cast<int>(failed);
}

}  // namespace

extern "C" {

#define DEFINE(P, T)                                                                                                   \
    DEFINE_WORKSPACE(P##potrf, (void*, int, int, T*, int, int* size))                                                  \
    DEFINE_WORKSPACE(P##getrf, (void*, int, int, T*, int, int* size))                                                  \
    int cusolverDn##P##potrf(void*, int uplo, int n, T* a, int lda, T*, int, int* info) {                              \
        cholesky<T>(uplo, n, a, lda, info);                                                                            \
        return success;                                                                                                \
    }                                                                                                                  \
    int cusolverDn##P##potrs(void*, int uplo, int n, int columns, const T* a, int lda, T* b, int ldb, int* info) {     \
        solve_cholesky<T>(uplo, n, columns, a, lda, b, ldb, info);                                                     \
        return success;                                                                                                \
    }                                                                                                                  \
    int cusolverDn##P##potrfBatched(void*, int uplo, int n, T** a, int lda, int* info, int batch) {                    \
        return for_each(batch, [=](int i) { cholesky<T>(uplo, n, a[i], lda, info + i); });                             \
    }                                                                                                                  \
    int cusolverDn##P##potrsBatched(void*, int uplo, int n, int columns, T** a, int lda, T** b, int ldb, int* info,    \
                                    int batch) {                                                                       \
        return for_each(batch, [=](int i) { solve_cholesky<T>(uplo, n, columns, a[i], lda, b[i], ldb, info); });       \
    }                                                                                                                  \
    int cusolverDn##P##getrf(void*, int m, int n, T* a, int lda, T*, int* pivots, int* info) {                         \
        lu<T>(m, n, a, lda, pivots, info);                                                                             \
        return success;                                                                                                \
    }                                                                                                                  \
    int cusolverDn##P##getrs(void*, int op, int n, int columns, const T* a, int lda, const int* pivots, T* b, int ldb, \
                             int* info) {                                                                              \
        solve_lu<T>(op, n, columns, a, lda, pivots, b, ldb, info);                                                     \
        return success;                                                                                                \
    }
FOR_EACH_TYPE(DEFINE)
#undef DEFINE

}  // extern "C"
