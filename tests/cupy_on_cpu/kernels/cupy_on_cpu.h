// Everything that a kernel of CuPy's may use; compiled once, as a precompiled header.
#pragma once

#include "intrinsics.h"
#include "language.h"
#include "math_functions.h"
#include "synchronisation.h"

// CuPy's own headers, as its wheel brings them.
#include <cupy/math_constants.h>

#include <cupy/atomics.cuh>
#include <cupy/carray.cuh>
#include <cupy/complex.cuh>
