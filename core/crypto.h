/* SPDX-License-Identifier: Apache-2.0 */
/* crypto.h - the X25519 hiding of connection ids (PROTOCOL.md, 4).
 *
 * The only part of the core that uses libsodium, with digest.c. */
#pragma once

#include "message.h"
#include "random.h"

G_BEGIN_DECLS

typedef struct {
  guint8 secret[CAIMAN_PUBLIC_KEY_BYTES];
  guint8 public_key[CAIMAN_PUBLIC_KEY_BYTES];
} CaimanKeyPair;

/* A fresh key pair for one link, its secret drawn from @random. */
void caiman_crypto_key_pair_init (CaimanKeyPair *pair, const CaimanRandom *random);

/* Overwrites the secret. */
void caiman_crypto_key_pair_clear (CaimanKeyPair *pair);

/* XORs @id with the first 16 bytes of the shared secret of @pair and @peer_public_key: encrypts and
 * decrypts alike. FALSE, *@id_out untouched, when the peer's key is of low order. */
gboolean caiman_crypto_hide_id (const CaimanKeyPair *pair,
                                const guint8 peer_public_key[CAIMAN_PUBLIC_KEY_BYTES],
                                const CaimanId *id, CaimanId *id_out);

/* A hash of @id for tables whose ids others choose: without the key no one can make them collide.
 */
#define CAIMAN_HASH_KEY_BYTES 16
guint32 caiman_crypto_hash_id (const guint8 key[CAIMAN_HASH_KEY_BYTES], const CaimanId *id);

G_END_DECLS
