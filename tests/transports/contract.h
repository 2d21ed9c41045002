/* SPDX-License-Identifier: Apache-2.0 */
/* contract.h - one suite of tests for everything that claims to be a CaimanTransport
 * (transports/transport.h). A carrier describes how connections come about on it, and
 * contract_add_tests() registers /transports/contract/NAME/... */
#pragma once

#include "transports/transport.h"

G_BEGIN_DECLS

/* A connection has come in. @end (transfer full). */
typedef void (*ContractAccept) (gpointer user_data, CaimanTransport *end);

typedef struct {
  const char *name;

  /* A fresh place where connections are made; tells of incoming ones by @accept, from step() or
   * from inside connect(). */
  gpointer (*new) (ContractAccept accept, gpointer user_data);
  void (*free) (gpointer place); /* all ends are freed before */

  CaimanTransport *(*connect) (gpointer place);
  /* (nullable) The same, towards where nobody listens. */
  CaimanTransport *(*connect_refused) (gpointer place);

  /* Lets something happen. FALSE when it is certain that nothing is going to; a carrier in real
   * time waits a moment and says TRUE. */
  gboolean (*step) (gpointer place);
  /* Lets everything happen that is going to; in real time, what happens within a few ms. */
  void (*settle) (gpointer place);

  /* An accepted end has something to do (a handshake of its own) before it is writable. */
  gboolean accepts_early;
} ContractCarrier;

void contract_add_tests (const ContractCarrier *carrier);

G_END_DECLS
