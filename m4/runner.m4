dnl runner.m4 - macros of this project's configure.ac.

dnl RUNNER_WARNINGS: the warnings that the project is free of.
AC_DEFUN([RUNNER_WARNINGS], [
  RUNNER_CFLAGS="-std=gnu11 -fvisibility=hidden -fno-strict-aliasing"
  for flag in -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
              -Wwrite-strings -Wvla -Wformat=2 -Wimplicit-fallthrough; do
    saved_CFLAGS="$CFLAGS"
    CFLAGS="$CFLAGS -Werror $flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [RUNNER_CFLAGS="$RUNNER_CFLAGS $flag"])
    CFLAGS="$saved_CFLAGS"
  done
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [treat warnings as errors])])
  AS_IF([test "$enable_werror" = yes], [RUNNER_CFLAGS="$RUNNER_CFLAGS -Werror"])
  AC_SUBST([RUNNER_CFLAGS])
])

dnl RUNNER_SANITIZERS: --enable-sanitizers, --enable-tsan, --enable-fuzzers.
AC_DEFUN([RUNNER_SANITIZERS], [
  AC_ARG_ENABLE([sanitizers], [AS_HELP_STRING([--enable-sanitizers], [build with address and undefined sanitizers])])
  AC_ARG_ENABLE([tsan], [AS_HELP_STRING([--enable-tsan], [build with the thread sanitizer])])
  RUNNER_SANITIZE=
  AS_IF([test "$enable_sanitizers" = yes && test "$enable_tsan" = yes],
        [AC_MSG_ERROR([--enable-sanitizers and --enable-tsan exclude each other])])
  AS_IF([test "$enable_sanitizers" = yes],
        [RUNNER_SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"])
  AS_IF([test "$enable_tsan" = yes], [RUNNER_SANITIZE="-fsanitize=thread -fno-omit-frame-pointer"])
  AC_ARG_ENABLE([fuzzers], [AS_HELP_STRING([--enable-fuzzers], [build tests/fuzz/fuzz; needs CC=clang])])
  AS_IF([test "$enable_fuzzers" = yes], [
    AS_IF([test "$enable_tsan" = yes], [AC_MSG_ERROR([--enable-fuzzers and --enable-tsan exclude each other])])
    RUNNER_SANITIZE="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
    saved_CFLAGS="$CFLAGS"
    CFLAGS="$CFLAGS $RUNNER_SANITIZE"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()], [], [AC_MSG_ERROR([--enable-fuzzers needs clang: ./configure CC=clang --enable-fuzzers])])
    CFLAGS="$saved_CFLAGS"])
  AM_CONDITIONAL([FUZZERS], [test "$enable_fuzzers" = yes])
  AC_SUBST([RUNNER_SANITIZE])
  AM_CONDITIONAL([SANITIZED], [test -n "$RUNNER_SANITIZE"])
])

dnl RUNNER_REQUIRE(PREFIX, PKG-CONFIG MODULES, DEBIAN PACKAGE): the core needs it.
dnl All that is missing is told at once, by RUNNER_REQUIRE_END.
AC_DEFUN([RUNNER_REQUIRE], [
  PKG_CHECK_MODULES([$1], [$2], [],
    [AC_MSG_RESULT([no])
     runner_missing="$runner_missing $3"])
])
AC_DEFUN([RUNNER_REQUIRE_END], [
  AS_IF([test -n "$runner_missing"],
    [AC_MSG_ERROR([libraries are missing. On Debian or Ubuntu:  apt-get install$runner_missing
    (or let ./autogen.sh --install-deps do it)])])
])

dnl RUNNER_PLUGIN(NAME, [PREFIX], [PKG-CONFIG MODULES], [DEBIAN PACKAGES],
dnl               [HEADER], [LIBRARY], [FUNCTION])
dnl Defines the option --without-NAME, the condition PLUGIN_NAME (upper case, `-`
dnl as `_`), and PREFIX_CFLAGS, PREFIX_LIBS. A plugin whose libraries are missing
dnl is left out, which the summary tells; asked for by --with-NAME it is an error.
AC_DEFUN([RUNNER_PLUGIN], [
  AC_ARG_WITH([$1], [AS_HELP_STRING([--without-$1], [leave out the plugin $1])],
    [], [AS_VAR_SET([AS_TR_SH([with_$1])], [auto])])
  AS_VAR_COPY([runner_with], [AS_TR_SH([with_$1])])
  runner_plugin=yes
  AS_IF([test "$runner_with" = no], [runner_plugin="no (--without-$1)"])
  m4_ifval([$2], [
    AS_IF([test "$runner_plugin" = yes],
      [PKG_CHECK_MODULES([$2], [$3], [],
        [AC_MSG_RESULT([no])
         runner_plugin="NO: needs $4"])])])
  m4_ifval([$5], [
    AS_IF([test "$runner_plugin" = yes],
      [AC_CHECK_HEADER([$5], [], [runner_plugin="NO: needs $4"])
       AC_CHECK_LIB([$6], [$7], [$2_LIBS="$$2_LIBS -l$6"], [runner_plugin="NO: needs $4"])])])
  AS_IF([test "$runner_with" = yes && test "$runner_plugin" != yes],
    [AC_MSG_ERROR([the plugin $1 was asked for, but cannot be built: install $4])])
  AM_CONDITIONAL(m4_toupper(m4_translit([PLUGIN_$1], [-], [_])), [test "$runner_plugin" = yes])
  AS_VAR_APPEND([runner_plugins_told], ["
    m4_format([%-16s], [$1]) $runner_plugin"])
])

AC_DEFUN([RUNNER_SUMMARY], [
  AS_IF([test "$POD2MAN" = no], [runner_manuals="NO: left out, they need pod2man (perl)"], [runner_manuals=yes])
  AC_MSG_NOTICE([
  runner $PACKAGE_VERSION
    installs into    $prefix
    sanitizers       ${RUNNER_SANITIZE:-none}
    unit tests       $have_check
    manual pages     $runner_manuals
  plugins:$runner_plugins_told
])
  case $runner_plugins_told in #(
    *NO:*) AC_MSG_WARN([some plugins are left out, see above; ./autogen.sh --install-deps installs what they need]) ;;
  esac
])
