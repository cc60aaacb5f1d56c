// cxx.cc - a plugin in C++: the declarations of runner-plugin.h are C++ too, its macros for
// tables are not, so the tables are filled by hand.  Compiled and loaded by abi.sh.
#include <runner-plugin.h>

namespace {

struct greet_args { const char *name; runner_duration pause; };

const runner_param greet_params[] = {
  { "name", RUNNER_TEXT, RUNNER_PRIMARY, offsetof (greet_args, name), sizeof (const char *), "world",
    "who is greeted", nullptr, nullptr, nullptr, nullptr },
  { "pause", RUNNER_DURATION, 0, offsetof (greet_args, pause), sizeof (runner_duration), "0s", "before that",
    nullptr, nullptr, nullptr, "1s" },
  {}
};

const runner_field greet_result[] = { { "greeting", RUNNER_TEXT, 0, "what is said", nullptr }, {} };

int
greet (runner_step *step, const void *arguments)
{
  const greet_args *args = static_cast<const greet_args *> (arguments);
  if (runner_sleep (step, args->pause.ns) < 0)
    return runner_expired (step, "waiting");
  runner_put_string (runner_result (step), "greeting", args->name);
  return RUNNER_PASS;
}

const runner_verb verbs[] = {
  { "greet", "greets", greet, greet_params, sizeof (greet_args), greet_result, 0, 0 },
  {}
};

const runner_plugin tables = {
  RUNNER_ABI_MAGIC, RUNNER_ABI_MAJOR, RUNNER_ABI_MINOR, sizeof (runner_plugin), sizeof (runner_verb),
  sizeof (runner_role_type), sizeof (runner_param), sizeof (runner_field), sizeof (runner_handle_type),
  "cxx", "1.0", "is written in C++", verbs, nullptr
};

} // namespace

const runner_plugin *
runner_plugin_entry ()
{
  return &tables;
}
