/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h - a rolling BLAKE2b-256 digest over trace events (docs/ARCHITECTURE.md).
 *
 * The value depends on the sequence of records alone: not on byte order, compiler or chunking. */
#pragma once

#include "types.h"

G_BEGIN_DECLS

#define CAIMAN_DIGEST_BYTES 32

typedef struct _CaimanDigest CaimanDigest;

CaimanDigest *caiman_digest_new (void);
void caiman_digest_free (CaimanDigest *digest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanDigest, caiman_digest_free)

/* Adds @n_words 64-bit words (hashed little-endian). */
void caiman_digest_add_words (CaimanDigest *digest, const guint64 *words, gsize n_words);

/* Adds bytes, e.g. a text. */
void caiman_digest_add_bytes (CaimanDigest *digest, const void *bytes, gsize size);

/* The digest of all that was added so far; adding may go on afterwards. */
void caiman_digest_get (const CaimanDigest *digest, guint8 bytes_out[CAIMAN_DIGEST_BYTES]);

/* The same as 64 lower-case hex digits. (transfer full) */
char *caiman_digest_get_hex (const CaimanDigest *digest);

G_END_DECLS
