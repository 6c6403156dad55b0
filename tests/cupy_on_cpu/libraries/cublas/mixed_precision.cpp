// Products whose types are arguments: half and bfloat16 with sums in float, and the four types of BLAS.

#include <cstdint>
#include <cstring>

#include "blas.h"
#include "handle.h"
#include "journal.h"

using namespace cupy_on_cpu;
using namespace cupy_on_cpu::blas;

extern "C" {
#define DECLARE(P, T)                                                                                             \
    int cublas##P##gemm_v2(Handle*, int op_a, int op_b, int m, int n, int k, const T* alpha, const T* a, int lda, \
                           const T* b, int ldb, const T* beta, T* c, int ldc);
FOR_EACH_TYPE(DECLARE)
#undef DECLARE
}

namespace {

using Half = _Float16;

struct Bfloat16 {
    uint16_t bits;

    explicit Bfloat16(float x) {
        uint32_t whole;
        std::memcpy(&whole, &x, sizeof whole);
        const bool is_nan = (whole & 0x7fffffff) > 0x7f800000;
        bits = is_nan ? 0x7fff : (whole + 0x7fff + (whole >> 16 & 1)) >> 16;
    }
    explicit operator float() const {
        const uint32_t whole = static_cast<uint32_t>(bits) << 16;
        float x;
        std::memcpy(&x, &whole, sizeof x);
        return x;
    }
};

enum Type { float32 = 0, float64 = 1, float16 = 2, complex64 = 4, complex128 = 5, bfloat16 = 14 };  // cudaDataType

size_t size_of(int type) {
    switch (type) {
        case float32:
            return 4;
        case float64:
        case complex64:
            return 8;
        case complex128:
            return 16;
        default:
            return 2;
    }
}

struct Product {
    int op_a, op_b, m, n, k;
    const void* alpha;
    const void* a;
    int type_a, lda;
    const void* b;
    int type_b, ldb;
    const void* beta;
    void* c;
    int type_c, ldc;
};

template <class In, class Out>
int sum_in_float(const Product& p) {
    note_work();
    const auto* a = static_cast<const In*>(p.a);
    const auto* b = static_cast<const In*>(p.b);
    auto* c = static_cast<Out*>(p.c);
    const float alpha = *static_cast<const float*>(p.alpha), beta = *static_cast<const float*>(p.beta);
    for (Int j = 0; j < p.n; ++j) {
        for (Int i = 0; i < p.m; ++i) {
            float sum = 0;
            for (Int l = 0; l < p.k; ++l) {
                const In x = p.op_a ? a[l + i * p.lda] : a[i + l * p.lda];
                const In y = p.op_b ? b[j + l * p.ldb] : b[l + j * p.ldb];
                sum += static_cast<float>(x) * static_cast<float>(y);
            }
            Out& out = c[i + j * p.ldc];
            out = static_cast<Out>(beta == 0 ? alpha * sum : alpha * sum + beta * static_cast<float>(out));
        }
    }
    return success;
}

template <class T, class Gemm>
int by_blas(const Product& p, Gemm gemm) {
    return gemm(nullptr, p.op_a, p.op_b, p.m, p.n, p.k, static_cast<const T*>(p.alpha), static_cast<const T*>(p.a),
                p.lda, static_cast<const T*>(p.b), p.ldb, static_cast<const T*>(p.beta), static_cast<T*>(p.c), p.ldc);
}

int multiply(const Product& p) {
    if (p.type_a == p.type_b && p.type_a == p.type_c) {
        switch (p.type_a) {
            case float16:
                return sum_in_float<Half, Half>(p);
            case bfloat16:
                return sum_in_float<Bfloat16, Bfloat16>(p);
            case float32:
                return by_blas<float>(p, cublasSgemm_v2);
            case float64:
                return by_blas<double>(p, cublasDgemm_v2);
            case complex64:
                return by_blas<Complex>(p, cublasCgemm_v2);
            case complex128:
                return by_blas<DoubleComplex>(p, cublasZgemm_v2);
        }
    }
    if (p.type_a == p.type_b && p.type_c == float32) {
        if (p.type_a == float16) return sum_in_float<Half, float>(p);
        if (p.type_a == bfloat16) return sum_in_float<Bfloat16, float>(p);
    }
    return refuse("cublasGemmEx of these types", not_supported);
}

template <class T>
T* advance(T* pointer, Int elements, int type) {
    using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
    return static_cast<Byte*>(pointer) + elements * static_cast<Int>(size_of(type));
}

}  // namespace

extern "C" {

int cublasSgemmEx(Handle*, int op_a, int op_b, int m, int n, int k, const float* alpha, const void* a, int type_a,
                  int lda, const void* b, int type_b, int ldb, const float* beta, void* c, int type_c, int ldc) {
    return multiply({op_a, op_b, m, n, k, alpha, a, type_a, lda, b, type_b, ldb, beta, c, type_c, ldc});
}

int cublasGemmEx(Handle*, int op_a, int op_b, int m, int n, int k, const void* alpha, const void* a, int type_a,
                 int lda, const void* b, int type_b, int ldb, const void* beta, void* c, int type_c, int ldc, int,
                 int) {
    return multiply({op_a, op_b, m, n, k, alpha, a, type_a, lda, b, type_b, ldb, beta, c, type_c, ldc});
}

int cublasGemmStridedBatchedEx(Handle*, int op_a, int op_b, int m, int n, int k, const void* alpha, const void* a,
                               int type_a, int lda, Int stride_a, const void* b, int type_b, int ldb, Int stride_b,
                               const void* beta, void* c, int type_c, int ldc, Int stride_c, int batch, int, int) {
    for (int i = 0; i < batch; ++i) {
        const Product product{op_a,
                              op_b,
                              m,
                              n,
                              k,
                              alpha,
                              advance(a, i * stride_a, type_a),
                              type_a,
                              lda,
                              advance(b, i * stride_b, type_b),
                              type_b,
                              ldb,
                              beta,
                              advance(c, i * stride_c, type_c),
                              type_c,
                              ldc};
        if (const int status = multiply(product)) return status;
    }
    return success;
}

}  // extern "C"
