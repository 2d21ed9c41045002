/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-status-request.c - any line to a status socket is a request, or refused with a reason; a
 * command is the same again once written. */
#include "apps/status-request.h"
#include "apps/status.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_command (const LiveCommand *command)
{
  g_assert (command->link_id != 0 || command->link_name != NULL);
  g_autofree char *line = status_request_format_command (command);
  StatusRequest again;
  g_assert (status_request_parse (line, strlen (line), &again, NULL));
  g_assert (again.verb == STATUS_DO_COMMAND && again.command.action == command->action &&
            again.command.connection == command->connection &&
            again.command.link_id == command->link_id &&
            g_strcmp0 (again.command.link_name, command->link_name) == 0);
  status_request_clear (&again);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  StatusRequest request;
  if (size > STATUS_REQUEST_MAX_BYTES)
    return 0; /* the socket is closed before (status.c) */
  g_autofree char *line = g_strndup ((const char *)data, size);
  if (!status_request_parse (line, size, &request, &error)) {
    g_assert (g_error_matches (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT));
    return 0;
  }
  g_assert (!error);
  if (request.verb == STATUS_DO_COMMAND)
    check_command (&request.command);
  else
    g_assert (request.json.history_max <= LIVE_HISTORY_MAX);
  status_request_clear (&request);
  return 0;
}
