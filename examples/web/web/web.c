/* web.c - a static web server of a few lines: what is pushed in examples, tests and measurements. Port
 * 8080. */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE "hello\n"

int main(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(8080) };
	int one = 1, server = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(server, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(server, 64) < 0) {
		perror("web: port 8080");
		return 1;
	}
	for (;;) {
		char request[4096], answer[256];
		int client = accept(server, NULL, NULL);
		if (client < 0)
			continue;
		if (read(client, request, sizeof(request)) > 0) {
			int n = snprintf(answer, sizeof(answer),
					 "HTTP/1.0 200 OK\r\nContent-Length: %zu\r\n\r\n%s", sizeof(PAGE) - 1,
					 PAGE);
			if (write(client, answer, (size_t)n) < 0)
				perror("web: answer");
		}
		close(client);
	}
}
