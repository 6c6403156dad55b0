#include "lapack.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

#include "journal.h"
#include "options.h"

namespace cupy_on_cpu {

void* find_routine(const std::string& name) {
    static void* library = dlopen(options().lapack.c_str(), RTLD_NOW | RTLD_LOCAL);
    note_work();
    void* routine = library ? dlsym(library, ("scipy_" + name + "_64_").c_str()) : nullptr;
    if (!routine) {
        std::fprintf(stderr, "[cupy_on_cpu] no routine %s in '%s'\n", name.c_str(), options().lapack.c_str());
        std::abort();
    }
    return routine;
}

}  // namespace cupy_on_cpu
