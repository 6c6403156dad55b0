#include "compile.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <sstream>

#include "context.h"

extern char** environ;

namespace cupy_on_cpu {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<std::string> lines_of(const fs::path& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
}

std::string required(const char* variable) {
    const char* value = std::getenv(variable);
    return value ? value : "";
}

// A folder that goes with the object.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string pattern = (fs::temp_directory_path() / "cupy_on_cpu_XXXXXX").string();
        if (mkdtemp(pattern.data())) path = pattern;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        if (!path.empty()) fs::remove_all(path, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    fs::path path;
};

// Runs a command with its output in a file; true if it succeeds. A sanitizer preloaded into Python stays out of g++.
bool run(std::vector<std::string> command, const fs::path& output) {
    std::vector<char*> arguments;
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    std::vector<char*> environment;
    for (char** variable = environ; *variable; ++variable) {
        if (std::strncmp(*variable, "LD_PRELOAD=", 11) != 0) environment.push_back(*variable);
    }
    environment.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t child;
    const int failed = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    if (failed) return false;
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

Compiled compile(const std::string& source, const std::vector<std::string>& definitions) {
    const TemporaryFolder folder;
    const fs::path source_path = folder.path / "kernel.cpp", library = folder.path / "kernel.so",
                   log = folder.path / "log";
    std::ofstream(source_path) << source;
    std::vector<std::string> command = lines_of(required("CUPY_ON_CPU_COMPILER"));
    if (command.empty()) return {false, "CUPY_ON_CPU_COMPILER names no command", ""};
    command.insert(command.end(), definitions.begin(), definitions.end());
    command.insert(command.end(), {"-shared", "-Wl,-Bsymbolic", source_path.string(), "-o", library.string()});
    const bool succeeded = run(command, log);
    Compiled result{succeeded, read(log), ""};
    if (succeeded) {
        const std::string bytes = read(library);
        ImageHeader header;
        std::memcpy(header.magic, image_magic, sizeof header.magic);
        header.size = bytes.size();
        result.image.assign(reinterpret_cast<const char*>(&header), sizeof header);
        result.image += bytes;
    }
    return result;
}

void keep(const std::string& source, const std::vector<std::string>& options,
          const std::vector<std::string>& expressions) {
    std::ostringstream text;
    for (const std::string& option : options) text << "//option " << option << '\n';
    for (const std::string& expression : expressions) text << "//expression " << expression << '\n';
    text << source;
    std::ostringstream name;
    name << std::hex << std::setw(16) << std::setfill('0') << std::hash<std::string>{}(text.str()) << ".cu";
    const fs::path path = fs::path(required("CUPY_ON_CPU_SOURCES")) / name.str();
    if (fs::exists(path)) return;
    const fs::path unfinished = path.string() + "." + std::to_string(getpid());
    std::ofstream(unfinished) << text.str();
    fs::rename(unfinished, path);
}

}  // namespace cupy_on_cpu
