#include "options.h"

#include <cstdio>
#include <cstdlib>

namespace cupy_on_cpu {
namespace {

std::string text(const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return value && *value ? value : otherwise;
}

long number(const char* name, long otherwise) {
    const std::string value = text(name, "");
    if (value.empty()) return otherwise;
    char* end = nullptr;
    const long parsed = std::strtol(value.c_str(), &end, 10);
    if (*end || parsed < 0) {
        std::fprintf(stderr, "cupy_on_cpu: %s=%s: expected a number, 0 or more\n", name, value.c_str());
        std::exit(2);
    }
    return parsed;
}

void read_order(Options& result) {
    const std::string value = text("CUPY_ON_CPU_ORDER", "forward");
    const std::string shuffle = "shuffle";
    if (value == "forward") {
        result.order = Order::forward;
    } else if (value == "reverse") {
        result.order = Order::reverse;
    } else if (value == shuffle || value.rfind(shuffle + ":", 0) == 0) {
        result.order = Order::shuffled;
        if (value != shuffle) result.seed = std::strtoul(value.c_str() + shuffle.size() + 1, nullptr, 10);
    } else {
        std::fprintf(stderr, "cupy_on_cpu: CUPY_ON_CPU_ORDER=%s: expected forward, reverse, shuffle or shuffle:SEED\n",
                     value.c_str());
        std::exit(2);
    }
}

Options read() {
    Options result{};
    result.devices = number("CUPY_ON_CPU_DEVICES", 1);
    result.memory = static_cast<size_t>(number("CUPY_ON_CPU_MEMORY_MB", 4096)) << 20;
    result.seed = 1;
    read_order(result);
    result.trace = !text("CUPY_ON_CPU_TRACE", "").empty();
    result.lapack = text("CUPY_ON_CPU_LAPACK", "");
    return result;
}

}  // namespace

const Options& options() {
    static const Options read_once = read();
    return read_once;
}

}  // namespace cupy_on_cpu
