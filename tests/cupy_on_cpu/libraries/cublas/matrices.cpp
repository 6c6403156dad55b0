// Matrices: levels 2 and 3 of BLAS, and cuBLAS's additions to them.

#include "blas.h"
#include "handle.h"
#include "journal.h"

using namespace cupy_on_cpu;
using namespace cupy_on_cpu::blas;

namespace {

template <class T>
int multiply(int op_a, int op_b, Int m, Int n, Int k, const T* alpha, const T* a, Int lda, const T* b, Int ldb,
             const T* beta, T* c, Int ldc) {
    if (m < 0 || n < 0 || k < 0 || lda < (op_a ? k : m) || ldb < (op_b ? n : k) || ldc < m) return invalid_value;
    fortran<T>("gemm", operation(op_a), operation(op_b), &m, &n, &k, alpha, a, &lda, b, &ldb, beta, c, &ldc, one_letter,
               one_letter);
    return success;
}

template <class T>
int multiply_vector(int op, Int m, Int n, const T* alpha, const T* a, Int lda, const T* x, Int step_x, const T* beta,
                    T* y, Int step_y) {
    fortran<T>("gemv", operation(op), &m, &n, alpha, a, &lda, x, &step_x, beta, y, &step_y, one_letter);
    return success;
}

template <class T>
int add_outer(const char* routine, Int m, Int n, const T* alpha, const T* x, Int step_x, const T* y, Int step_y, T* a,
              Int lda) {
    fortran<T>(routine, &m, &n, alpha, x, &step_x, y, &step_y, a, &lda);
    return success;
}

template <class T>
T element(int op, const T* a, Int lda, Int i, Int j) {
    const T value = op ? a[j + i * lda] : a[i + j * lda];
    return op == 2 ? conjugate(value) : value;
}

// alpha op(a) + beta op(b); an operand whose factor is zero is not read.
template <class T>
int add(int op_a, int op_b, Int m, Int n, const T* alpha, const T* a, Int lda, const T* beta, const T* b, Int ldb, T* c,
        Int ldc) {
    note_work();
    for (Int j = 0; j < n; ++j) {
        for (Int i = 0; i < m; ++i) {
            T sum{};
            if (*alpha != T(0)) sum += *alpha * element(op_a, a, lda, i, j);
            if (*beta != T(0)) sum += *beta * element(op_b, b, ldb, i, j);
            c[i + j * ldc] = sum;
        }
    }
    return success;
}

template <class T>
int multiply_diagonal(int side, Int m, Int n, const T* a, Int lda, const T* x, Int step, T* c, Int ldc) {
    note_work();
    const bool from_left = side == 0;
    for (Int j = 0; j < n; ++j) {
        for (Int i = 0; i < m; ++i) c[i + j * ldc] = a[i + j * lda] * x[(from_left ? i : j) * step];
    }
    return success;
}

template <class T>
int multiply_by_own_transpose(int uplo, int op, Int n, Int k, const T* alpha, const T* a, Int lda, const T* beta, T* c,
                              Int ldc) {
    fortran<T>("syrk", fill(uplo), operation(op), &n, &k, alpha, a, &lda, beta, c, &ldc, one_letter, one_letter);
    return success;
}

template <class T>
int multiply_band(int uplo, Int n, Int k, const T* alpha, const T* a, Int lda, const T* x, Int step_x, const T* beta,
                  T* y, Int step_y) {
    fortran<T>("sbmv", fill(uplo), &n, &k, alpha, a, &lda, x, &step_x, beta, y, &step_y, one_letter);
    return success;
}

template <class T>
int solve_triangular(int from, int uplo, int op, int diag, Int m, Int n, const T* alpha, const T* a, Int lda, T* b,
                     Int ldb) {
    fortran<T>("trsm", side(from), fill(uplo), operation(op), diagonal(diag), &m, &n, alpha, a, &lda, b, &ldb,
               one_letter, one_letter, one_letter, one_letter);
    return success;
}

// Calls once for each of a batch, up to the first failure.
template <class Call>
int for_each(int batch, Call call) {
    for (int i = 0; i < batch; ++i) {
        if (const int status = call(i)) return status;
    }
    return success;
}

}  // namespace

extern "C" {

#define DEFINE(P, T)                                                                                                   \
    int cublas##P##gemm_v2(Handle*, int op_a, int op_b, int m, int n, int k, const T* alpha, const T* a, int lda,      \
                           const T* b, int ldb, const T* beta, T* c, int ldc) {                                        \
        return multiply<T>(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);                                  \
    }                                                                                                                  \
    int cublas##P##gemmBatched(Handle*, int op_a, int op_b, int m, int n, int k, const T* alpha, const T** a, int lda, \
                               const T** b, int ldb, const T* beta, T** c, int ldc, int batch) {                       \
        return for_each(batch, [=](int i) {                                                                            \
            return multiply<T>(op_a, op_b, m, n, k, alpha, a[i], lda, b[i], ldb, beta, c[i], ldc);                     \
        });                                                                                                            \
    }                                                                                                                  \
    int cublas##P##gemmStridedBatched(Handle*, int op_a, int op_b, int m, int n, int k, const T* alpha, const T* a,    \
                                      int lda, Int stride_a, const T* b, int ldb, Int stride_b, const T* beta, T* c,   \
                                      int ldc, Int stride_c, int batch) {                                              \
        return for_each(batch, [=](int i) {                                                                            \
            return multiply<T>(op_a, op_b, m, n, k, alpha, a + i * stride_a, lda, b + i * stride_b, ldb, beta,         \
                               c + i * stride_c, ldc);                                                                 \
        });                                                                                                            \
    }                                                                                                                  \
    int cublas##P##gemv_v2(Handle*, int op, int m, int n, const T* alpha, const T* a, int lda, const T* x, int step_x, \
                           const T* beta, T* y, int step_y) {                                                          \
        return multiply_vector<T>(op, m, n, alpha, a, lda, x, step_x, beta, y, step_y);                                \
    }                                                                                                                  \
    int cublas##P##geam(Handle*, int op_a, int op_b, int m, int n, const T* alpha, const T* a, int lda, const T* beta, \
                        const T* b, int ldb, T* c, int ldc) {                                                          \
        return add<T>(op_a, op_b, m, n, alpha, a, lda, beta, b, ldb, c, ldc);                                          \
    }                                                                                                                  \
    int cublas##P##dgmm(Handle*, int from, int m, int n, const T* a, int lda, const T* x, int step, T* c, int ldc) {   \
        return multiply_diagonal<T>(from, m, n, a, lda, x, step, c, ldc);                                              \
    }                                                                                                                  \
    int cublas##P##syrk_v2(Handle*, int uplo, int op, int n, int k, const T* alpha, const T* a, int lda,               \
                           const T* beta, T* c, int ldc) {                                                             \
        return multiply_by_own_transpose<T>(uplo, op, n, k, alpha, a, lda, beta, c, ldc);                              \
    }                                                                                                                  \
    int cublas##P##trsm_v2(Handle*, int from, int uplo, int op, int diag, int m, int n, const T* alpha, const T* a,    \
                           int lda, T* b, int ldb) {                                                                   \
        return solve_triangular<T>(from, uplo, op, diag, m, n, alpha, a, lda, b, ldb);                                 \
    }                                                                                                                  \
    int cublas##P##trsmBatched(Handle*, int from, int uplo, int op, int diag, int m, int n, const T* alpha,            \
                               const T** a, int lda, T** b, int ldb, int batch) {                                      \
        return for_each(batch, [=](int i) {                                                                            \
            return solve_triangular<T>(from, uplo, op, diag, m, n, alpha, a[i], lda, b[i], ldb);                       \
        });                                                                                                            \
    }
FOR_EACH_TYPE(DEFINE)
#undef DEFINE

#define DEFINE(NAME, ROUTINE, T)                                                                                       \
    int cublas##NAME##_v2(Handle*, int m, int n, const T* alpha, const T* x, int step_x, const T* y, int step_y, T* a, \
                          int lda) {                                                                                   \
        return add_outer<T>(ROUTINE, m, n, alpha, x, step_x, y, step_y, a, lda);                                       \
    }
DEFINE(Sger, "ger", float)
DEFINE(Dger, "ger", double)
DEFINE(Cgeru, "geru", Complex)
DEFINE(Cgerc, "gerc", Complex)
DEFINE(Zgeru, "geru", DoubleComplex)
DEFINE(Zgerc, "gerc", DoubleComplex)
#undef DEFINE

#define DEFINE(P, T)                                                                                         \
    int cublas##P##sbmv_v2(Handle*, int uplo, int n, int k, const T* alpha, const T* a, int lda, const T* x, \
                           int step_x, const T* beta, T* y, int step_y) {                                    \
        return multiply_band<T>(uplo, n, k, alpha, a, lda, x, step_x, beta, y, step_y);                      \
    }
DEFINE(S, float)
DEFINE(D, double)
#undef DEFINE

}  // extern "C"
