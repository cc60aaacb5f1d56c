/* xml.c - XPath on the body of a response: XML, or HTML by its content type.
 *
 * Documents that declare entities are refused: expanding them is how a small
 * body becomes a large one, and how files leak. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "http.h"

/* Steps of one evaluation: about a second. */
#define XPATH_OPERATIONS 20000000

#define ERROR_SIZE 200

static void
ignore_error (void *user, xmlErrorPtr error)
{
  (void) user, (void) error;
}

void
http_xml_init (void)
{
  xmlInitParser ();
}

static int
is_html (const char *type)
{
  return strncasecmp (type, "text/html", 9) == 0;
}

/* The last error's text without its line end. */
static void
error_text (const xmlError *error, char *text, size_t size)
{
  const char *message = error && error->message ? error->message : "it is malformed";
  size_t length = strcspn (message, "\n");
  if (length >= size)
    length = size - 1;
  memcpy (text, message, length);
  text[length] = '\0';
}

/* The first error goes to `user`, which has ERROR_SIZE bytes. */
static void
keep_error (void *user, xmlErrorPtr error)
{
  char *text = user;
  if (!*text)
    error_text (error, text, ERROR_SIZE);
}

/* NULL: the step's outcome is in *outcome. */
static xmlDoc *
parse_body (struct http_request *request, const char *type, int *outcome)
{
  const struct http_bytes *body = &request->session->exchange.body;
  int html = is_html (type);
  xmlDoc *document = NULL;
  char why[ERROR_SIZE];
  *outcome = RUNNER_FAIL;
  htmlParserCtxt *context = html ? htmlNewParserCtxt () : xmlNewParserCtxt ();
  if (!context) {
    *outcome = runner_error (request->step, "no memory for the body's XML");
    return NULL;
  }
  context->sax->serror = ignore_error;
  const char *data = http_bytes_text (body);
  if (html)
    document = htmlCtxtReadMemory (context, data, (int) body->size, NULL, NULL,
                                   HTML_PARSE_NONET | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING);
  else
    document = xmlCtxtReadMemory (context, data, (int) body->size, NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  if (!document) {
    error_text (&context->lastError, why, sizeof why);
    *outcome = runner_fail (request->step, "xpath: the body is no XML: line %d: %s", context->lastError.line, why);
  } else if (!html && document->intSubset && document->intSubset->entities) {
    *outcome = runner_fail (request->step, "xpath: the body declares entities: refused");
    xmlFreeDoc (document);
    document = NULL;
  }
  xmlFreeParserCtxt (context);
  return document;
}

/* The prefixes of parameter `xmlns`. */
static int
register_prefixes (struct http_request *request, xmlXPathContext *context)
{
  const struct runner_node *map = request->args->xmlns.node;
  for (size_t i = 0; i < runner_node_count (map); i++) {
    size_t size;
    const char *key = runner_node_key (map, i, &size);
    const char *prefix = http_keep (&request->kept, key, size);
    const char *text = runner_node_text (runner_node_at (map, i), &size);
    const char *uri = text ? http_keep (&request->kept, text, size) : NULL;
    if (!prefix || !uri || xmlXPathRegisterNs (context, BAD_CAST prefix, BAD_CAST uri) < 0)
      return runner_error (request->step, "xmlns: the namespace of \"%.*s\" cannot be set", (int) size, key);
  }
  return RUNNER_PASS;
}

static void
put_nodes (struct runner_out *out, const char *name, const xmlNodeSet *nodes)
{
  runner_put_list (out, name);
  for (int i = 0; nodes && i < nodes->nodeNr; i++) {
    xmlChar *text = xmlXPathCastNodeToString (nodes->nodeTab[i]);
    runner_put_string (out, NULL, text ? (const char *) text : "");
    xmlFree (text);
  }
  runner_put_end (out);
}

static void
put_number (struct runner_out *out, const char *name, double number)
{
  if (number == floor (number) && fabs (number) < 9007199254740992.0)
    runner_put_int (out, name, (int64_t) number);
  else
    runner_put_float (out, name, number);
}

static int
evaluate (struct http_request *request, xmlXPathContext *context, const char *name, const char *expression,
          struct runner_out *out)
{
  char why[ERROR_SIZE] = "";
  context->opCount = 0;
  xmlStructuredErrorFunc earlier = xmlStructuredError;
  void *earlier_context = xmlStructuredErrorContext;
  xmlSetStructuredErrorFunc (why, keep_error); /* this thread's */
  xmlXPathObject *object = xmlXPathEval (BAD_CAST expression, context);
  xmlSetStructuredErrorFunc (earlier_context, earlier);
  if (!object)
    return runner_error (request->step, "xpath: %s: %s: %s", name, expression, why);
  if (object->type == XPATH_NODESET)
    put_nodes (out, name, object->nodesetval);
  else if (object->type == XPATH_BOOLEAN)
    runner_put_bool (out, name, object->boolval);
  else if (object->type == XPATH_NUMBER)
    put_number (out, name, object->floatval);
  else
    runner_put_string (out, name, object->stringval ? (const char *) object->stringval : "");
  xmlXPathFreeObject (object);
  return RUNNER_PASS;
}

static int
evaluate_all (struct http_request *request, xmlXPathContext *context, struct runner_out *out)
{
  const struct runner_node *map = request->args->xpath.node;
  int outcome = register_prefixes (request, context);
  runner_put_map (out, "xpath");
  for (size_t i = 0; i < runner_node_count (map) && outcome == RUNNER_PASS; i++) {
    size_t key_size, size;
    const char *key = runner_node_key (map, i, &key_size);
    const char *text = runner_node_text (runner_node_at (map, i), &size);
    const char *name = http_keep (&request->kept, key, key_size);
    const char *expression = text ? http_keep (&request->kept, text, size) : NULL;
    if (!name || !expression)
      outcome = runner_error (request->step, "xpath: \"%.*s\" must be an XPath expression", (int) key_size, key);
    else
      outcome = evaluate (request, context, name, expression, out);
  }
  runner_put_end (out);
  return outcome;
}

int
http_xpath (struct http_request *request, const char *type, struct runner_out *out)
{
  int outcome;
  if (request->session->exchange.body.size > INT32_MAX)
    return runner_error (request->step, "xpath: the body is too large");
  xmlDoc *document = parse_body (request, type, &outcome);
  if (!document)
    return outcome;
  xmlXPathContext *context = xmlXPathNewContext (document);
  if (context) {
    context->opLimit = XPATH_OPERATIONS;
    outcome = evaluate_all (request, context, out);
  } else
    outcome = runner_error (request->step, "no memory for XPath");
  xmlXPathFreeContext (context);
  xmlFreeDoc (document);
  return outcome;
}
