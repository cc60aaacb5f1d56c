/* sha256.h - the hash SHA-256. */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

/* The hash of `size` bytes goes to `digest`. */
void sha256 (const void *data, size_t size, uint8_t digest[SHA256_SIZE]);

#endif
