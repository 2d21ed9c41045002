/* SPDX-License-Identifier: Apache-2.0 */
/* status-request.h - one request to a status socket, read from its line. */
#pragma once

#include "apps/live-json.h"
#include "apps/live.h"

G_BEGIN_DECLS

typedef enum {
  STATUS_DO_STATUS,
  STATUS_DO_WATCH,
  STATUS_DO_COMMAND,
} StatusVerb;

typedef struct {
  StatusVerb verb;
  LiveJsonOptions json; /* of status and watch */
  guint every_ms;       /* of watch */
  LiveCommand command;  /* its link_name is owned */
} StatusRequest;

/* Reads @line, which is anything that somebody may have sent. FALSE with
 * CAIMAN_REASON_INVALID_ARGUMENT, saying what is wrong with it. */
gboolean status_request_parse (const char *line, gsize size, StatusRequest *request_out,
                               GError **error);
void status_request_clear (StatusRequest *request);

/* (transfer full) The lines that a client sends, with their newlines. */
char *status_request_format_command (const LiveCommand *command);
char *status_request_format_status (const LiveJsonOptions *options);
char *status_request_format_watch (const LiveJsonOptions *options, guint every_ms);

G_END_DECLS
