/* sanitizers.h - which sanitizers a file is compiled for: WITH_ASAN, WITH_TSAN, 1 or 0. */
#ifndef SANITIZERS_H
#define SANITIZERS_H

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#if defined __SANITIZE_ADDRESS__ || __has_feature (address_sanitizer)
#define WITH_ASAN 1
#else
#define WITH_ASAN 0
#endif

#if defined __SANITIZE_THREAD__ || __has_feature (thread_sanitizer)
#define WITH_TSAN 1
#else
#define WITH_TSAN 0
#endif

#endif
