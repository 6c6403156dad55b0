// In place of CUDA's header, which wants a CUDA compiler's own headers: what CuPy's wrapper needs of it.
#pragma once

#include <cuda_runtime_api.h>
#include <driver_functions.h>
