// CUDA C++ into C++ that g++ takes: the little that headers alone cannot give.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace cupy_on_cpu {

// Why a source cannot be run faithfully, or nothing.
std::string reason_to_refuse(const std::string& source);

struct Rewritten {
    std::string source;
    std::map<std::string, std::string> lowered;  // the name of the kernel that each name expression stands for
};

// Gives every kernel of a source an entry point that takes its arguments as the driver does.
Rewritten rewrite(const std::string& source, const std::string& name, const std::vector<std::string>& expressions);

}  // namespace cupy_on_cpu
