// Runs g++ on a kernel's rewritten source.
#pragma once

#include <string>
#include <vector>

namespace cupy_on_cpu {

struct Compiled {
    bool succeeded;
    std::string log;
    std::string image;  // a shared library behind its header
};

// `definitions` are the -D options; the rest of the command comes from $CUPY_ON_CPU_COMPILER, a file of one argument a
// line that the build wrote.
Compiled compile(const std::string& source, const std::vector<std::string>& definitions);

// Keeps a source, its options and its name expressions in $CUPY_ON_CPU_SOURCES, for real NVRTC to check them.
void keep(const std::string& source, const std::vector<std::string>& options,
          const std::vector<std::string>& expressions);

}  // namespace cupy_on_cpu
