// LU decompositions of many small matrices at once, which cuBLAS has beside cuSOLVER.

#include <algorithm>

#include "blas.h"
#include "handle.h"
#include "journal.h"

using namespace cupy_on_cpu;
using namespace cupy_on_cpu::blas;

namespace {

template <class T>
int decompose(Int n, T** a, Int lda, int* pivots, int* info, int batch) {
    if (!pivots) return refuse("cublas getrfBatched without pivots", not_supported);
    std::vector<Int> rows(n);
    for (int i = 0; i < batch; ++i) {
        Int failed = 0;
        fortran<T>("getrf", &n, &n, a[i], &lda, rows.data(), &failed);
        std::copy(rows.begin(), rows.end(), pivots + i * n);
        info[i] = static_cast<int>(failed);
    }
    return success;
}

template <class T>
int solve(int op, Int n, Int columns, T* const* a, Int lda, const int* pivots, T** b, Int ldb, int* info, int batch) {
    *info = 0;
    for (int i = 0; i < batch; ++i) {
        const std::vector<Int> rows(pivots + i * n, pivots + (i + 1) * n);
        Int failed = 0;
        fortran<T>("getrs", operation(op), &n, &columns, a[i], &lda, rows.data(), b[i], &ldb, &failed, one_letter);
        if (failed) *info = static_cast<int>(failed);
    }
    return success;
}

template <class T>
int invert(Int n, T* const* a, Int lda, const int* pivots, T** inverse, Int ldi, int* info, int batch) {
    for (int i = 0; i < batch; ++i) {
        const std::vector<Int> rows(pivots + i * n, pivots + (i + 1) * n);
        for (Int j = 0; j < n; ++j) std::copy_n(a[i] + j * lda, n, inverse[i] + j * ldi);
        Int failed = 0;
        with_workspace<T>(
            [&](T* work, Int size) { fortran<T>("getri", &n, inverse[i], &ldi, rows.data(), work, &size, &failed); });
        info[i] = static_cast<int>(failed);
    }
    return success;
}

}  // namespace

extern "C" {

#define DEFINE(P, T)                                                                                                 \
    int cublas##P##getrfBatched(Handle*, int n, T** a, int lda, int* pivots, int* info, int batch) {                 \
        return decompose<T>(n, a, lda, pivots, info, batch);                                                         \
    }                                                                                                                \
    int cublas##P##getrsBatched(Handle*, int op, int n, int columns, T* const* a, int lda, const int* pivots, T** b, \
                                int ldb, int* info, int batch) {                                                     \
        return solve<T>(op, n, columns, a, lda, pivots, b, ldb, info, batch);                                        \
    }                                                                                                                \
    int cublas##P##getriBatched(Handle*, int n, T* const* a, int lda, const int* pivots, T** inverse, int ldi,       \
                                int* info, int batch) {                                                              \
        return invert<T>(n, a, lda, pivots, inverse, ldi, info, batch);                                              \
    }
FOR_EACH_TYPE(DEFINE)
#undef DEFINE

}  // extern "C"
