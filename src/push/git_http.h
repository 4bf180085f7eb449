/*
 * git_http.h - hosted repositories over HTTP: git's smart protocol at PREFIX/NS/NAME.git, by `git
 * http-backend` behind our web server.
 *
 * Both directions are streams. A token is the password of basic authentication (any user name), or a bearer
 * token. Who has no right to a repository gets the same answer as for one that is not there. A push goes on
 * to its end when the client is gone.
 */
#pragma once

#include "io/httpd.h"

#define GIT_HTTP_PREFIX "/git/"
#define GIT_HTTP_MAX 128	 /* git processes at a time; more are answered 503 */
#define GIT_HTTP_IDLE_MS 600000	 /* git neither reads nor writes for so long: it is ended */
#define GIT_HTTP_HEAD_MAX 16384u /* bytes of what git says before the answer's body */
#define GIT_HTTP_HELD_MAX 65536u /* bytes of an answer that wait for the client */

struct git_http;

/* Routes of d below GIT_HTTP_PREFIX are streams from then on. home outlives it. */
struct git_http *git_http_new(struct loop *loop, struct httpd *d, const char *home);
int git_http_running(const struct git_http *g);
void git_http_free(struct git_http *g); /* after httpd_free(); what git does for clients is ended */
