#include "rewrite.h"

#include <regex>
#include <set>

#include "context.h"

namespace cupy_on_cpu {
namespace {

const std::string export_c = "extern \"C\" __attribute__((visibility(\"default\"))) ";

bool has(const std::string& text, const std::regex& pattern) { return std::regex_search(text, pattern); }

std::set<std::string> kernels_with_c_names(const std::string& source) {
    static const std::string bounds = R"((?:__launch_bounds__\s*\([^)]*\)\s*)?)";
    static const std::string declaration = R"(__global__\s+)" + bounds + R"(void\s+)" + bounds + R"((\w+)\s*\()";
    static const std::regex in_block(declaration);
    static const std::regex alone(R"(extern\s+"C"\s+)" + declaration);
    static const std::regex block(R"(extern\s+"C"\s*\{)");
    const std::regex& pattern = has(source, block) ? in_block : alone;
    std::set<std::string> names;
    for (std::sregex_iterator it(source.begin(), source.end(), pattern), end; it != end; ++it) names.insert((*it)[1]);
    return names;
}

std::string entry(const std::string& name, const std::string& kernel) {
    return export_c + "void " CUPY_ON_CPU_ENTRY + name + "(void** arguments) { cupy_on_cpu::call(" + kernel +
           ", arguments); }\n";
}

}  // namespace

std::string reason_to_refuse(const std::string& source) {
    // These kernels of CuPy's leave out __syncwarp() where the lanes of a warp run in step, which fibers do not.
    if (source.find("bitonic_sort_step") != std::string::npos) {
        return "cupy.partition and argpartition: their kernel relies on warps that run in step";
    }
    return "";
}

Rewritten rewrite(const std::string& source, const std::string& name, const std::vector<std::string>& expressions) {
    static const std::regex dynamic_shared(R"(extern\s+__shared__\s+([A-Za-z_][\w<>:\s,]*?)\s+(\w+)\s*\[\s*\]\s*;)");
    static const std::regex waits(
        "__syncthreads|__syncwarp|__shfl|__ballot|__any_sync|__all_sync|__reduce_|cooperative_groups");

    Rewritten result;
    result.source = "#include \"cupy_on_cpu.h\"\n";
    // For CUDA, SciPy's headers define functions of namespace std that a compiler for the CPU has.
    if (source.find("#include <cupy/xsf/") != std::string::npos) result.source += "#undef __CUDACC__\n";
    result.source += "#line 1 \"" + (name.empty() ? "kern.cu" : name) + "\"\n";
    result.source +=
        std::regex_replace(source, dynamic_shared, "$1* $2 = ($1*)cupy_on_cpu_this.dynamic_shared_memory;");
    result.source += "\n#line 1 \"entries\"\n";
    result.source +=
        export_c + "bool " CUPY_ON_CPU_SYNCHRONISES " = " + (has(source, waits) ? "true" : "false") + ";\n";
    result.source += export_c + "void* " CUPY_ON_CPU_CONTEXT "() { return &cupy_on_cpu_this; }\n";
    for (const std::string& kernel : kernels_with_c_names(source)) result.source += entry(kernel, kernel);
    for (const std::string& expression : expressions) {
        const std::string lowered = "expression_" + std::to_string(result.lowered.size());
        result.lowered[expression] = lowered;
        result.source += entry(lowered, expression);
    }
    return result;
}

}  // namespace cupy_on_cpu
