// Handles and parameters, none of which changes what LAPACK computes.

#include "solver.h"

using cupy_on_cpu::solver::success;

namespace {

struct Handle {
    void* stream;
};

struct Parameters {};

template <class T>
int create(T** object) {
    *object = new T{};
    return success;
}

template <class T>
int destroy(T* object) {
    delete object;
    return success;
}

}  // namespace

extern "C" {

int cusolverDnCreate(Handle** handle) { return create(handle); }
int cusolverDnDestroy(Handle* handle) { return destroy(handle); }

int cusolverDnSetStream(Handle* handle, void* stream) {
    handle->stream = stream;
    return success;
}

int cusolverDnGetStream(Handle* handle, void** stream) {
    *stream = handle->stream;
    return success;
}

int cusolverDnCreateParams(Parameters** parameters) { return create(parameters); }
int cusolverDnDestroyParams(Parameters* parameters) { return destroy(parameters); }

// Jacobi's method has an accuracy to be chosen; LAPACK is as accurate as it can be.
int cusolverDnCreateGesvdjInfo(Parameters** parameters) { return create(parameters); }
int cusolverDnDestroyGesvdjInfo(Parameters* parameters) { return destroy(parameters); }
int cusolverDnXgesvdjSetTolerance(Parameters*, double) { return success; }
int cusolverDnXgesvdjSetMaxSweeps(Parameters*, int) { return success; }
int cusolverDnXgesvdjSetSortEig(Parameters*, int) { return success; }
int cusolverDnCreateSyevjInfo(Parameters** parameters) { return create(parameters); }
int cusolverDnDestroySyevjInfo(Parameters* parameters) { return destroy(parameters); }
int cusolverDnXsyevjSetTolerance(Parameters*, double) { return success; }
int cusolverDnXsyevjSetMaxSweeps(Parameters*, int) { return success; }
int cusolverDnXsyevjSetSortEig(Parameters*, int) { return success; }

int cusolverGetProperty(int, int* value) {
    *value = 12;
    return success;
}

}  // extern "C"
