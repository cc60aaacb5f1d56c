/* layout-1.1.c - the same as layout-1.0.c for what 1.1 added. */
#include <runner-plugin.h>

_Static_assert (RUNNER_ABI_MINOR >= 1, "1.1 has come");
_Static_assert (RUNNER_REGEX == 16, "RUNNER_REGEX is 16");
_Static_assert (RUNNER_CUT_BEGIN == 1 && RUNNER_CUT_END == 2, "ends of a cut");

#if defined __LP64__
_Static_assert (offsetof (struct runner_param, pattern) == 80, "runner_param.pattern");
_Static_assert (offsetof (struct runner_param, form) == 88, "runner_param.form");
_Static_assert (sizeof (struct runner_param) >= 96, "runner_param had 96 bytes in 1.1");
#endif
