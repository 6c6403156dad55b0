// Eigenvalues: of symmetric and Hermitian matrices, and of any square ones.

#include <cstdint>

#include "journal.h"
#include "solver.h"

using namespace cupy_on_cpu;
using namespace cupy_on_cpu::blas;
using namespace cupy_on_cpu::solver;

namespace {

enum Type { float32 = 0, float64 = 1, complex64 = 4, complex128 = 5 };  // cudaDataType

const char* job(int mode) { return mode == with_vectors ? "V" : "N"; }

template <class T>
int symmetric(int mode, int uplo, Int n, T* a, Int lda, Real<T>* values, int* info) {
    Int failed = 0;
    if constexpr (Scalar<T>::is_complex) {
        std::vector<Real<T>> real_work(1 + 5 * n + 2 * n * n);
        const Int real_size = static_cast<Int>(real_work.size());
        std::vector<Int> integers(3 + 5 * n);
        const Int integer_size = static_cast<Int>(integers.size());
        with_workspace<T>([&](T* work, Int size) {
            fortran<T>("heevd", job(mode), fill(uplo), &n, a, &lda, values, work, &size, real_work.data(), &real_size,
                       integers.data(), &integer_size, &failed, one_letter, one_letter);
        });
    } else {
        std::vector<Int> integers(3 + 5 * n);
        const Int integer_size = static_cast<Int>(integers.size());
        with_workspace<T>([&](T* work, Int size) {
            fortran<T>("syevd", job(mode), fill(uplo), &n, a, &lda, values, work, &size, integers.data(), &integer_size,
                       &failed, one_letter, one_letter);
        });
    }
    *info = static_cast<int>(failed);
    return success;
}

template <class T>
int general_complex(int left, int right, Int n, T* a, Int lda, T* values, T* vl, Int ldl, T* vr, Int ldr, int* info) {
    Int failed = 0;
    std::vector<Real<T>> real_work(2 * n);
    with_workspace<T>([&](T* work, Int size) {
        fortran<T>("geev", job(left), job(right), &n, a, &lda, values, vl, &ldl, vr, &ldr, work, &size,
                   real_work.data(), &failed, one_letter, one_letter);
    });
    *info = static_cast<int>(failed);
    return success;
}

template <class T>
int general_real(int left, int right, Int n, T* a, Int lda, std::complex<T>* values, T* vl, Int ldl, T* vr, Int ldr,
                 int* info) {
    Int failed = 0;
    std::vector<T> real(n), imaginary(n);
    with_workspace<T>([&](T* work, Int size) {
        fortran<T>("geev", job(left), job(right), &n, a, &lda, real.data(), imaginary.data(), vl, &ldl, vr, &ldr, work,
                   &size, &failed, one_letter, one_letter);
    });
    for (Int i = 0; i < n; ++i) values[i] = {real[i], imaginary[i]};
    *info = static_cast<int>(failed);
    return success;
}

template <class T>
T* as(void* pointer) {
    return static_cast<T*>(pointer);
}

}  // namespace

extern "C" {

#define DEFINE(P, NAME, T)                                                                                             \
    DEFINE_WORKSPACE(P##NAME##d, (void*, int, int, int, const T*, int, const Real<T>*, int* size))                     \
    DEFINE_WORKSPACE(P##NAME##j, (void*, int, int, int, const T*, int, const Real<T>*, int* size, void*))              \
    DEFINE_WORKSPACE(P##NAME##jBatched, (void*, int, int, int, const T*, int, const Real<T>*, int* size, void*, int))  \
    int cusolverDn##P##NAME##d(void*, int mode, int uplo, int n, T* a, int lda, Real<T>* values, T*, int, int* info) { \
        return symmetric<T>(mode, uplo, n, a, lda, values, info);                                                      \
    }                                                                                                                  \
    int cusolverDn##P##NAME##j(void*, int mode, int uplo, int n, T* a, int lda, Real<T>* values, T*, int, int* info,   \
                               void*) {                                                                                \
        return symmetric<T>(mode, uplo, n, a, lda, values, info);                                                      \
    }                                                                                                                  \
    int cusolverDn##P##NAME##jBatched(void*, int mode, int uplo, int n, T* a, int lda, Real<T>* values, T*, int,       \
                                      int* info, void*, int batch) {                                                   \
        return for_each(batch, [=](int i) {                                                                            \
            const Int place = i;                                                                                       \
            symmetric<T>(mode, uplo, n, a + place * lda * n, lda, values + place * n, info + i);                       \
        });                                                                                                            \
    }
DEFINE(S, syev, float)
DEFINE(D, syev, double)
DEFINE(C, heev, Complex)
DEFINE(Z, heev, DoubleComplex)
#undef DEFINE

int cusolverDnXsyevd_bufferSize(void*, void*, int, int, int64_t, int, const void*, int64_t, int, const void*, int,
                                size_t* on_device, size_t* on_host) {
    *on_device = *on_host = workspace;
    return success;
}

int cusolverDnXsyevd(void*, void*, int mode, int uplo, int64_t n, int type, void* a, int64_t lda, int, void* values,
                     int, void*, size_t, void*, size_t, int* info) {
    switch (type) {
        case float32:
            return symmetric(mode, uplo, n, as<float>(a), lda, as<float>(values), info);
        case float64:
            return symmetric(mode, uplo, n, as<double>(a), lda, as<double>(values), info);
        case complex64:
            return symmetric(mode, uplo, n, as<Complex>(a), lda, as<float>(values), info);
        case complex128:
            return symmetric(mode, uplo, n, as<DoubleComplex>(a), lda, as<double>(values), info);
    }
    return refuse("cusolverDnXsyevd of this type", not_supported);
}

int cusolverDnXgeev_bufferSize(void*, void*, int, int, int64_t, int, const void*, int64_t, int, const void*, int,
                               const void*, int64_t, int, const void*, int64_t, int, size_t* on_device,
                               size_t* on_host) {
    *on_device = *on_host = workspace;
    return success;
}

int cusolverDnXgeev(void*, void*, int left, int right, int64_t n, int type, void* a, int64_t lda, int, void* values,
                    int, void* vl, int64_t ldl, int, void* vr, int64_t ldr, int, void*, size_t, void*, size_t,
                    int* info) {
    switch (type) {
        case float32:
            return general_real(left, right, n, as<float>(a), lda, as<Complex>(values), as<float>(vl), ldl,
                                as<float>(vr), ldr, info);
        case float64:
            return general_real(left, right, n, as<double>(a), lda, as<DoubleComplex>(values), as<double>(vl), ldl,
                                as<double>(vr), ldr, info);
        case complex64:
            return general_complex(left, right, n, as<Complex>(a), lda, as<Complex>(values), as<Complex>(vl), ldl,
                                   as<Complex>(vr), ldr, info);
        case complex128:
            return general_complex(left, right, n, as<DoubleComplex>(a), lda, as<DoubleComplex>(values),
                                   as<DoubleComplex>(vl), ldl, as<DoubleComplex>(vr), ldr, info);
    }
    return refuse("cusolverDnXgeev of this type", not_supported);
}

}  // extern "C"
