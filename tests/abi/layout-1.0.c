/* layout-1.0.c - what plugins of interface 1.0 were compiled with, as it must stay for as
 * long as the major version is 1.  Only compiled: as a part of the plugin that abi.sh loads.
 * What later versions add stands behind what is here. */
#include <runner-plugin.h>

#define IS(constant, value) _Static_assert ((constant) == (value), #constant " is " #value)

IS (RUNNER_ABI_MAGIC, 0x52754e65);
IS (RUNNER_ABI_MAJOR, 1);

IS (RUNNER_NONE, 0);
IS (RUNNER_TEXT, 1);
IS (RUNNER_INT, 2);
IS (RUNNER_FLOAT, 3);
IS (RUNNER_BOOL, 4);
IS (RUNNER_BYTES, 5);
IS (RUNNER_DURATION, 6);
IS (RUNNER_SIZE, 7);
IS (RUNNER_ADDRESS, 8);
IS (RUNNER_SECRET, 9);
IS (RUNNER_VALUE, 10);
IS (RUNNER_LIST, 11);
IS (RUNNER_MAP, 12);
IS (RUNNER_PATTERN, 13);
IS (RUNNER_BYTES_PATTERN, 14);

IS (RUNNER_REQUIRED, 1);
IS (RUNNER_PRIMARY, 2);
IS (RUNNER_HANDLE, 4);
IS (RUNNER_NEW_HANDLE, 8);
IS (RUNNER_OPTIONAL, 1);
IS (RUNNER_OPEN_RESULT, 1);
IS (RUNNER_RECEIVES, 2);

IS (RUNNER_PASS, 0);
IS (RUNNER_FAIL, 1);
IS (RUNNER_ERROR, 2);
IS (RUNNER_SKIP, 3);
IS (RUNNER_SENT, 0);
IS (RUNNER_RECEIVED, 1);

IS (RUNNER_IS_NULL, 0);
IS (RUNNER_IS_BOOL, 1);
IS (RUNNER_IS_INT, 2);
IS (RUNNER_IS_FLOAT, 3);
IS (RUNNER_IS_TEXT, 4);
IS (RUNNER_IS_LIST, 5);
IS (RUNNER_IS_MAP, 6);

#if defined __LP64__

#define AT(type, field, offset) _Static_assert (offsetof (struct type, field) == (offset), #type "." #field)
#define SIZE(type, size) _Static_assert (sizeof (struct type) == (size), #type " has " #size " bytes")
#define AT_LEAST(type, size) _Static_assert (sizeof (struct type) >= (size), #type " had " #size " bytes in 1.0")

/* Fields of the plugins' own structs: these never grow. */
SIZE (runner_bool, 1);
SIZE (runner_bytes, 16);
AT (runner_bytes, data, 0);
AT (runner_bytes, size, 8);
SIZE (runner_duration, 8);
SIZE (runner_size, 8);
SIZE (runner_address, 32);
AT (runner_address, text, 0);
AT (runner_address, host, 8);
AT (runner_address, path, 16);
AT (runner_address, port, 24);
SIZE (runner_secret, 16);
AT (runner_secret, data, 0);
AT (runner_secret, size, 8);
SIZE (runner_value, 8);
SIZE (runner_list, 8);
SIZE (runner_map, 8);
SIZE (runner_pattern, 8);
SIZE (runner_bytes_pattern, 24);
AT (runner_bytes_pattern, data, 0);
AT (runner_bytes_pattern, mask, 8);
AT (runner_bytes_pattern, size, 16);

/* These carry their sizes. */
AT_LEAST (runner_param, 80);
AT (runner_param, name, 0);
AT (runner_param, type, 8);
AT (runner_param, flags, 12);
AT (runner_param, offset, 16);
AT (runner_param, size, 24);
AT (runner_param, preset, 32);
AT (runner_param, help, 40);
AT (runner_param, group, 48);
AT (runner_param, choices, 56);
AT (runner_param, min, 64);
AT (runner_param, max, 72);

AT_LEAST (runner_field, 32);
AT (runner_field, name, 0);
AT (runner_field, type, 8);
AT (runner_field, flags, 12);
AT (runner_field, help, 16);
AT (runner_field, param, 24);

AT_LEAST (runner_verb, 56);
AT (runner_verb, name, 0);
AT (runner_verb, help, 8);
AT (runner_verb, run, 16);
AT (runner_verb, params, 24);
AT (runner_verb, args_size, 32);
AT (runner_verb, result, 40);
AT (runner_verb, flags, 48);
AT (runner_verb, reserved, 52);

AT_LEAST (runner_role_type, 48);
AT (runner_role_type, name, 0);
AT (runner_role_type, help, 8);
AT (runner_role_type, run, 16);
AT (runner_role_type, params, 24);
AT (runner_role_type, args_size, 32);
AT (runner_role_type, exports, 40);

AT_LEAST (runner_plugin, 72);
AT (runner_plugin, magic, 0);
AT (runner_plugin, abi_major, 4);
AT (runner_plugin, abi_minor, 6);
AT (runner_plugin, plugin_size, 8);
AT (runner_plugin, verb_size, 12);
AT (runner_plugin, role_size, 16);
AT (runner_plugin, param_size, 20);
AT (runner_plugin, field_size, 24);
AT (runner_plugin, handle_size, 28);
AT (runner_plugin, name, 32);
AT (runner_plugin, version, 40);
AT (runner_plugin, help, 48);
AT (runner_plugin, verbs, 56);
AT (runner_plugin, roles, 64);

AT_LEAST (runner_handle_type, 24);
AT (runner_handle_type, name, 0);
AT (runner_handle_type, destroy, 8);
AT (runner_handle_type, copy, 16);

AT_LEAST (runner_spawn_options, 56);
AT (runner_spawn_options, struct_size, 0);
AT (runner_spawn_options, argv, 8);
AT (runner_spawn_options, env, 16);
AT (runner_spawn_options, cwd, 24);
AT (runner_spawn_options, stdin_fd, 32);
AT (runner_spawn_options, stdout_fd, 36);
AT (runner_spawn_options, stderr_fd, 40);
AT (runner_spawn_options, clear_env, 44);
AT (runner_spawn_options, terminal, 48);
AT (runner_spawn_options, reserved, 52);

#endif
