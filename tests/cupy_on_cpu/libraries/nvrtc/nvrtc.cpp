// NVRTC, whose compiler is g++: CUDA C++ in, a shared library for this processor out.

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "compile.h"
#include "journal.h"
#include "rewrite.h"

using namespace cupy_on_cpu;

namespace {

enum Result { success = 0, compilation_failed = 6, no_such_expression = 10, no_ltoir = 11 };

struct Program {
    std::string source, name, log, image;
    std::vector<std::string> expressions;
    std::map<std::string, std::string> lowered;
};

// CuPy asks for the PTX of an empty program to learn who compiles: its comments are part of the cache's keys.
const std::string ptx = "// CPU stand-in, g++ " __VERSION__ "\n";

Program& program_of(void* handle) { return *static_cast<Program*>(handle); }

void copy_with_end(const std::string& text, char* to) {
    std::memcpy(to, text.data(), text.size());
    to[text.size()] = '\0';
}

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

int refuse_program(Program& program, const std::string& reason) {
    program.log = "the CPU stand-in refuses: " + reason;
    return refuse(reason.c_str(), compilation_failed);
}

int compile_program(Program& program, const std::vector<std::string>& options) {
    if (is_blank(program.source)) return success;
    const std::string reason = reason_to_refuse(program.source);
    if (!reason.empty()) return refuse_program(program, reason);

    std::vector<std::string> definitions;
    for (const std::string& option : options) {
        if (option.rfind("-D", 0) == 0) definitions.push_back(option);
    }
    const Rewritten rewritten = rewrite(program.source, program.name, program.expressions);
    Compiled compiled = compile(rewritten.source, definitions);
    if (!compiled.succeeded) {
        const std::string missing = ": No such file or directory";
        const size_t at = compiled.log.find(missing);
        if (at != std::string::npos) {
            const size_t line = compiled.log.rfind('\n', at) + 1;  // npos + 1 is the beginning
            return refuse_program(program, "a header is missing: " + compiled.log.substr(line, at - line));
        }
        program.log = compiled.log;
        return compilation_failed;
    }
    program.log = compiled.log;
    program.image = std::move(compiled.image);
    program.lowered = rewritten.lowered;
    keep(program.source, options, program.expressions);
    return success;
}

}  // namespace

extern "C" {

const char* nvrtcGetErrorString(int result) {
    switch (result) {
        case success:
            return "NVRTC_SUCCESS";
        case compilation_failed:
            return "NVRTC_ERROR_COMPILATION";
        default:
            return "NVRTC_ERROR";
    }
}

int nvrtcVersion(int* major, int* minor) {
    *major = 13;
    *minor = 0;
    return success;
}

int nvrtcGetNumSupportedArchs(int* count) {
    *count = 1;
    return success;
}

int nvrtcGetSupportedArchs(int* architectures) {
    *architectures = 90;
    return success;
}

int nvrtcCreateProgram(void** program, const char* source, const char* name, int, const char**, const char**) {
    *program = new Program{source, name ? name : "", "", "", {}, {}};
    return success;
}

int nvrtcDestroyProgram(void** program) {
    delete &program_of(*program);
    *program = nullptr;
    return success;
}

int nvrtcAddNameExpression(void* program, const char* expression) {
    program_of(program).expressions.push_back(expression);
    return success;
}

int nvrtcGetLoweredName(void* program, const char* expression, const char** name) {
    const auto& lowered = program_of(program).lowered;
    const auto it = lowered.find(expression);
    if (it == lowered.end()) return no_such_expression;
    *name = it->second.c_str();
    return success;
}

int nvrtcCompileProgram(void* program, int count, const char** options) {
    return compile_program(program_of(program), std::vector<std::string>(options, options + count));
}

int nvrtcGetProgramLogSize(void* program, size_t* size) {
    *size = program_of(program).log.size() + 1;
    return success;
}

int nvrtcGetProgramLog(void* program, char* log) {
    copy_with_end(program_of(program).log, log);
    return success;
}

int nvrtcGetCUBINSize(void* program, size_t* size) {
    *size = program_of(program).image.size() + 1;
    return success;
}

int nvrtcGetCUBIN(void* program, char* image) {
    copy_with_end(program_of(program).image, image);
    return success;
}

int nvrtcGetPTXSize(void*, size_t* size) {
    *size = ptx.size() + 1;
    return success;
}

int nvrtcGetPTX(void*, char* text) {
    copy_with_end(ptx, text);
    return success;
}

int nvrtcGetLTOIRSize(void*, size_t* size) {
    *size = 0;
    return refuse("NVRTC's intermediate form for linking", no_ltoir);
}

int nvrtcGetLTOIR(void*, char*) { return no_ltoir; }

}  // extern "C"
