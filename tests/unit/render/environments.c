/* capstan.yaml: what is read, every way to be wrong, looking up; the schema and the page that go with it. */
#include "../cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "doc/json.h"
#include "render/environments.h"

struct read {
	struct arena a;
	struct environments e;
};

static void read_file(struct read *r, const char *text)
{
	*r = (struct read){ 0 };
	environments_read(&r->a, "capstan.yaml", str_of(text), &r->e);
}

static char *said(struct read *r)
{
	cleanup_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < r->e.n_diags; i++)
		buf_printf(&text, "%s\n", render_diag_text(&r->a, &r->e.diags[i]));
	return arena_strndup(&r->a, text.p ? text.p : "", text.n);
}

static void check_said(const char *text, const char *want)
{
	struct read r;
	read_file(&r, text);
	assert_string_equal(said(&r), want);
	arena_release(&r.a);
}

/* One field of an environment that is else good. */
static void check_field(const char *field, const char *want)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct read r;
	buf_printf(&text, "environments:\n  prod:\n    path: p\n    %s\n", field);
	read_file(&r, text.p);
	if (strcmp(said(&r), want) != 0)
		fail_msg("%s\n  want %s  got  %s", field, want, said(&r));
	arena_release(&r.a);
}

static const char whole[] =
	"# what goes where\n"
	"environments:\n"
	"  staging: {branch: main,    path: deploy/staging, namespace: shop-staging, substitute: {REGION: eu}}\n"
	"  prod:\n"
	"    branch: release/1.x\n"
	"    path: ./deploy//prod/\n"
	"    namespace: shop\n"
	"    context: prod\n"
	"    render: {type: kustomize}\n"
	"    kustomize:\n"
	"      namePrefix: p-\n"
	"      images: [{name: nginx, newTag: 1.10}]\n"
	"      labels: [{pairs: {version: 1.20, on: yes}, includeTemplates: true}]\n"
	"      replicas: [{name: web, count: 3}]\n"
	"      patches:\n"
	"      - {target: {kind: Deployment}, patch: '[]', options: {allowNameChange: true}}\n"
	"      components: [../../components/tls]\n"
	"      commonAnnotations: {a: 1}\n"
	"    substitute: {N: 3, VERSION: 1.10, EMPTY: , QUOTED: '007', FLAG: true}\n"
	"    substituteFrom:\n"
	"    - {kind: ConfigMap, name: settings}\n"
	"    - {kind: Secret, name: my.secrets, optional: true}\n"
	"    strict: false\n"
	"    timeout: 5m\n"
	"    onFailure: rollback\n"
	"  dev:\n"
	"    path: .\n"
	"    render: {type: exec, renderer: cue}\n"
	"  lab:\n"
	"    path: lab\n"
	"    branch: main\n"
	"    render: {type: exec, command: [./render.sh, -v], env: {A: 1}, timeout: 30s, memory: 64Mi, output: 1Mi,\n"
	"             disk: 8Mi, pids: 16, inputs: [../lib]}\n"
	"renderers:\n"
	"  cue: {command: [cue, export], timeout: 1m, memory: 1Gi}\n"
	"allowSecrets:\n"
	"- {path: 'tests/**', reason: made up}\n"
	"- {object: Secret/demo, fingerprint: 0123abcd, reason: public}\n";

static void everything_is_read(void **state)
{
	struct read r;
	read_file(&r, whole);
	assert_string_equal(said(&r), "");
	assert_int_equal(r.e.n, 4);
	const struct environment *staging = &r.e.list[0], *prod = &r.e.list[1];
	assert_string_equal(staging->name, "staging");
	assert_int_equal(staging->line, 3);
	assert_string_equal(staging->branch, "main");
	assert_string_equal(staging->path, "deploy/staging");
	assert_string_equal(staging->namespace, "shop-staging");
	assert_null(staging->context);
	assert_true(staging->strict && staging->substitutes);
	assert_int_equal(staging->type, RENDER_AUTO);
	assert_int_equal(staging->on_failure, ENVIRONMENTS_FAILURE_UNSET);
	assert_int_equal(staging->n_substitute, 1);
	assert_null(staging->additions);
	assert_string_equal(prod->path, "deploy/prod");
	assert_string_equal(prod->branch, "release/1.x");
	assert_string_equal(prod->context, "prod");
	assert_int_equal(prod->type, RENDER_KUSTOMIZE);
	assert_false(prod->strict);
	assert_int_equal(prod->timeout_ms, 300000);
	assert_int_equal(prod->on_failure, ENVIRONMENTS_FAILURE_ROLLBACK);
	assert_int_equal(prod->n_from, 2);
	assert_int_equal(prod->from[0].kind, ENVIRONMENTS_CONFIG_MAP);
	assert_string_equal(prod->from[1].name, "my.secrets");
	assert_true(prod->from[1].kind == ENVIRONMENTS_SECRET && prod->from[1].optional &&
		    !prod->from[0].optional);
	assert_int_equal(prod->from[1].line, 22);
	arena_release(&r.a);
}

static void values_are_texts_as_they_are_written(void **state)
{
	static const char *const want[][2] = {
		{ "N", "3" }, { "VERSION", "1.10" }, { "EMPTY", "" }, { "QUOTED", "007" }, { "FLAG", "true" },
	};
	struct read r;
	cleanup_buf struct buf json = BUF_INIT;
	read_file(&r, whole);
	const struct environment *prod = &r.e.list[1];
	assert_int_equal(prod->n_substitute, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(prod->substitute[i].name, want[i][0]);
		assert_true(str_is(prod->substitute[i].text, want[i][1]));
		assert_int_equal(prod->substitute[i].line, 19);
	}
	json_write(&json, prod->additions);
	assert_string_equal(
		json.p,
		"{\"namePrefix\":\"p-\",\"images\":[{\"name\":\"nginx\",\"newTag\":\"1.10\"}],"
		"\"labels\":[{\"pairs\":{\"version\":\"1.20\",\"on\":\"yes\"},\"includeTemplates\":true}],"
		"\"replicas\":[{\"name\":\"web\",\"count\":3}],"
		"\"patches\":[{\"target\":{\"kind\":\"Deployment\"},\"patch\":\"[]\",\"options\":{"
		"\"allowNameChange\":true}}],\"components\":[\"../../components/tls\"],"
		"\"commonAnnotations\":{\"a\":\"1\"}}");
	arena_release(&r.a);
}

static void programs_are_read(void **state)
{
	struct read r;
	read_file(&r, whole);
	const struct environment *dev = &r.e.list[2], *lab = &r.e.list[3];
	assert_string_equal(dev->path, ".");
	assert_null(dev->branch);
	assert_ptr_equal(dev->program, &r.e.renderers[0]);
	assert_string_equal(dev->program->name, "cue");
	assert_string_equal(dev->program->command[1], "export");
	assert_null(dev->program->command[2]);
	assert_int_equal(dev->program->memory_bytes, 1 << 30);
	assert_int_equal(dev->program->output_bytes, 0);
	assert_null(lab->program->name);
	assert_int_equal(lab->program->n_command, 2);
	assert_int_equal(lab->program->n_env, 1);
	assert_string_equal(lab->program->env[0].name, "A");
	assert_int_equal(lab->program->timeout_ms, 30000);
	assert_int_equal(lab->program->memory_bytes, 64 << 20);
	assert_int_equal(lab->program->disk_bytes, 8 << 20);
	assert_int_equal(lab->program->pids, 16);
	assert_int_equal(lab->program->n_inputs, 1);
	assert_string_equal(lab->program->inputs[0], "../lib");
	assert_null(lab->program->inputs[1]);
	assert_int_equal(r.e.n_allow_secrets, 2);
	assert_string_equal(r.e.allow_secrets[0].path, "tests/**");
	assert_string_equal(r.e.allow_secrets[1].fingerprint, "0123abcd");
	assert_string_equal(r.e.allow_secrets[1].reason, "public");
	arena_release(&r.a);
}

static void everything_wrong_is_told_at_once(void **state)
{
	check_said(
		"environments:\n"
		"  prod:\n"
		"    brnach: main\n"
		"    path: /etc\n"
		"    namespace: Shop\n"
		"    timeout: fast\n"
		"  Staging: {path: [a], images: []}\n"
		"  dev: here\n"
		"enviroments: {}\n",
		"capstan.yaml:3: error: environments.prod: `brnach` is not known; did you mean `branch`?\n"
		"capstan.yaml:4:11: error: environments.prod.path: `/etc` must be relative to the root of the repository: "
		"take the leading / away\n"
		"capstan.yaml:5:16: error: environments.prod.namespace: `Shop` is no name: at most 63 of a-z, 0-9 and -, "
		"with a letter or digit at both ends\n"
		"capstan.yaml:6:14: error: environments.prod.timeout: `fast` is not a duration such as 30s or 5m\n"
		"capstan.yaml:7: error: environments.Staging: `images` belongs into `kustomize`; write `kustomize: {images: "
		"...}`\n"
		"capstan.yaml:7: error: environments: `Staging` is no name: at most 63 of a-z, 0-9 and -, with a letter or "
		"digit at both ends\n"
		"capstan.yaml:7:19: error: environments.Staging.path: must be a text, this is a list; write `path: "
		"deploy/prod`\n"
		"capstan.yaml:8:8: error: environments.dev: must be a map, this is a text; write `environments: {prod: {path: "
		"deploy/prod}}`\n"
		"capstan.yaml:9: error: `enviroments` is not known; did you mean `environments`?\n");
}

static void paths_stay_in_the_repository(void **state)
{
	static const char *const bad[] = { "../x", "a/../b", "a/..", ".." };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cleanup_buf struct buf text = BUF_INIT, want = BUF_INIT;
		buf_printf(&text, "environments: {a: {path: %s}}\n", bad[i]);
		buf_printf(
			&want,
			"capstan.yaml:1:26: error: environments.a.path: `%s` must not hold `..`: paths begin at the root "
			"of the repository and stay in it\n",
			bad[i]);
		check_said(text.p, want.p);
	}
	check_said("environments: {a: {path: a/.Git/b}}\n",
		   "capstan.yaml:1:26: error: environments.a.path: `a/.Git/b` must not lead into .git\n");
	check_said("environments: {a: {path: ..a/b..}}\n", "");
}

static void a_program_belongs_to_exec(void **state)
{
#define RENDER "capstan.yaml:2: error: environments.prod: render"
	check_field(
		"render: {type: exec}", RENDER
		": type exec needs a program; write `render: {type: exec, command: [./render.sh]}`, or `renderer: NAME` "
		"of one in `renderers`\n");
	check_field("render: {type: exec, renderer: cue}", RENDER
		    ".renderer: `cue` is not among `renderers`; add `renderers: {cue: {command: [...]}}`\n");
	check_field("render: {command: [a]}",
		    RENDER ": names a program, but its type is not exec; write `type: exec`\n");
	check_field("render: {type: exec, renderer: cue, command: [a]}",
		    RENDER ": has both `renderer` and `command`; keep one of them\n");
	check_field("render: {type: exec, renderer: cue, timeout: 1s}", RENDER
		    ": env, inputs and limits of a `renderer` stand in `renderers`; move them there\n");
	check_field("render: {type: exec, renderer: cue, pids: 3}", RENDER
		    ": env, inputs and limits of a `renderer` stand in `renderers`; move them there\n");
	check_field(
		"render: {type: kustomise}",
		"capstan.yaml:4:20: error: environments.prod.render.type: `kustomise` is not known; did you mean "
		"`kustomize`? There are: auto, plain, kustomize, exec\n");
	check_field(
		"render: kustomize",
		"capstan.yaml:4:13: error: environments.prod.render: must be a map, this is a text; write `render: "
		"{type: kustomize}`\n");
	check_field(
		"render: {type: exec, command: [a], memory: 1Ti}",
		"capstan.yaml:4:48: error: environments.prod.render.memory: `1Ti` is not a size such as 64Mi\n");
	check_field(
		"render: {type: exec, command: [a], memory: 12}",
		"capstan.yaml:4:48: error: environments.prod.render.memory: `12` is not between 1Mi and 1048576Mi\n");
	check_said(
		"environments: {a: {path: a, render: {type: exec, renderer: ceu}}}\nrenderers: {cue: {command: [a]}}\n",
		"capstan.yaml:1: error: environments.a: render.renderer: `ceu` is not among `renderers`; did you mean "
		"`cue`?\n");
}

static void each_field_has_its_type(void **state)
{
	check_field("strict: maybe",
		    "capstan.yaml:4:13: error: environments.prod.strict: must be true or false, this is a "
		    "text; write `strict: false`\n");
	check_field("branch: a..b",
		    "capstan.yaml:4:13: error: environments.prod.branch: `a..b` is no name of a branch that "
		    "git takes\n");
	check_field(
		"branch: -x",
		"capstan.yaml:4:13: error: environments.prod.branch: `-x` is no name of a branch that git "
		"takes\n");
	check_field("context: ''",
		    "capstan.yaml:4:14: error: environments.prod.context: `` must not be empty\n");
	check_field("substitute: {a-b: 1}",
		    "capstan.yaml:4: error: environments.prod.substitute: `a-b` is no name of a "
		    "variable: letters, digits and _, not a digit in front\n");
	check_field(
		"substitute: {A: [1]}",
		"capstan.yaml:4:21: error: environments.prod.substitute.A: must be a text, this is a list\n");
	check_field("substitute: [A]",
		    "capstan.yaml:4:17: error: environments.prod.substitute: must be a map, this is a "
		    "list; write `substitute: {REGION: eu}`\n");
	check_field(
		"substituteFrom: [{kind: Configmap, name: a}]",
		"capstan.yaml:4:29: error: environments.prod.substituteFrom[0].kind: `Configmap` is not known; did you "
		"mean `ConfigMap`? There are: ConfigMap, Secret\n");
	check_field(
		"substituteFrom: [{kind: Secret}, x]",
		"capstan.yaml:4:22: error: environments.prod.substituteFrom[0]: `name` is missing; write `name: "
		"settings`\n"
		"capstan.yaml:4:38: error: environments.prod.substituteFrom[1]: must be a map, this is a text; write `substituteFrom: "
		"[{kind: ConfigMap, name: settings}]`\n");
	check_field("timeout: 1ms",
		    "capstan.yaml:4:14: error: environments.prod.timeout: `1ms` is not between 1s and 24h\n");
	check_field("onFailure: explode",
		    "capstan.yaml:4:16: error: environments.prod.onFailure: `explode` is not known; "
		    "there are: rollback, keep\n");
	check_field(
		"kustomize: {replicas: [{name: a, count: -1}]}",
		"capstan.yaml:4:45: error: environments.prod.kustomize.replicas[0].count: `-1` is not between 0 and "
		"2147483647\n");
	check_field(
		"kustomize: {namePrefx: a, patches: [{}]}",
		"capstan.yaml:4: error: environments.prod.kustomize: `namePrefx` is not known; did you mean "
		"`namePrefix`?\n"
		"capstan.yaml:4:41: error: environments.prod.kustomize.patches[0]: `patch` is missing; write `patch: "
		"|`\n");
	check_field(
		"render: {type: plain}\n    kustomize: {namePrefix: a}",
		"capstan.yaml:2: error: environments.prod: kustomize: adds to what kustomize renders, but the type of "
		"render is plain; write `render: {type: kustomize}`\n");
	check_field("namespace:", ""); /* nothing behind it: as good as absent */
}

static void equal_targets_are_refused(void **state)
{
	check_said(
		"environments:\n  a: {branch: main, path: p, namespace: n}\n  b: {branch: main, path: p/, namespace: n}\n"
		"  c: {branch: main, path: p, namespace: m}\n  d: {branch: main, path: p, namespace: n, context: x}\n"
		"  e: {branch: rel, path: p, namespace: n}\n  f: {path: p, namespace: n}\n  g: {path: p, namespace: n}\n",
		"capstan.yaml:3: error: environments.b: deploys the same path of the same branch to the same place as `a` "
		"(line 2); give it another branch, path, namespace or context\n"
		"capstan.yaml:8: error: environments.g: deploys the same path of the same branch to the same place as `f` "
		"(line 7); give it another branch, path, namespace or context\n");
}

static void rendered_directories_are_apart(void **state)
{
	struct read r;
	read_file(&r, "environments: {a: {path: deploy, rendered: ./deploy//out/}}");
	assert_int_equal(r.e.n_diags, 0);
	assert_string_equal(r.e.list[0].rendered, "deploy/out");
	arena_release(&r.a);
	check_said(
		"environments:\n  a: {path: p/q, rendered: p}\n  b: {path: s, rendered: p2/b}\n"
		"  c: {path: q, rendered: p2}\n  d: {path: r, rendered: .}\n",
		"capstan.yaml:2: error: environments.a: rendered: holds the path that is rendered; give it a directory of "
		"its own\n"
		"capstan.yaml:4: error: environments.c: rendered: is, holds or is in the directory of `b` (line 3); give "
		"each environment one of its own\n"
		"capstan.yaml:5: error: environments.d: rendered: holds the path that is rendered; give it a directory of "
		"its own\n");
}

static void the_file_itself_may_be_wrong(void **state)
{
	check_said(
		"",
		"capstan.yaml:1: error: the file is not a map; write `environments: {prod: {path: deploy/prod}}`\n");
	check_said(
		"[a]\n",
		"capstan.yaml:1: error: the file is not a map; write `environments: {prod: {path: deploy/prod}}`\n");
	check_said("renderers: {}\n",
		   "capstan.yaml:1:1: error: `environments` is missing; write `environments: {prod: {path: "
		   "deploy/prod}}`\n");
	check_said(
		"environments: {}\n",
		"capstan.yaml:1:15: error: environments: is empty; write `environments: {prod: {path: deploy/prod}}`\n");
	check_said(
		"environments: {a: {path: b}}\n---\nx: 1\n",
		"capstan.yaml:3: error: there is a second document in this file; put everything into one\n");
	check_said(
		"environments:\n  a: {path: b}\n  a: {path: c}\n",
		"capstan.yaml:3:3: error: the key `a` is there twice: on line 2 and on line 3; keep one of them\n");
	check_said(
		"environments: {a: {path: b}}\nbuild: {x: [1]}\ndeliver: 3\nallowSecrets: [{reason: x}]\n",
		"capstan.yaml:2:12: error: build.x: must be a map, this is a list; write `build: {web: {context: "
		"services/web}}`\n"
		"capstan.yaml:3:10: error: deliver: `3` is not known; write `direct`, or a map\n"
		"capstan.yaml:4:16: error: allowSecrets[0]: says not what is allowed; add `path`, `object` or "
		"`fingerprint`\n");
	struct read r = { 0 };
	char *large = mem_alloc(ENVIRONMENTS_FILE_MAX + 1);
	environments_read(&r.a, "x", (struct str){ large, ENVIRONMENTS_FILE_MAX + 1 }, &r.e);
	assert_string_equal(said(&r), "x: error: the file is larger than 1024 KiB (ENVIRONMENTS_FILE_MAX)\n");
	free(large);
	arena_release(&r.a);
}

static void environments_are_found_by_name(void **state)
{
	struct read r;
	struct error err = ERROR_INIT;
	read_file(&r, whole);
	assert_ptr_equal(environments_find(&r.e, STR("prod"), &err), &r.e.list[1]);
	assert_null(environments_find(&r.e, STR("prd"), &err));
	assert_string_equal(
		err.text,
		"capstan.yaml: there is no environment `prd`; did you mean `prod`? There are: staging, "
		"prod, dev, lab");
	assert_null(environments_find(&r.e, STR("qa-42"), &err));
	assert_string_equal(
		err.text,
		"capstan.yaml: there is no environment `qa-42`; there are: staging, prod, dev, lab");
	arena_release(&r.a);
}

static void all_errors_are_one_error(void **state)
{
	struct read r;
	struct error err = ERROR_INIT;
	read_file(&r, "environments: {a: {path: /a}, b: {path: ''}}\n");
	assert_int_equal(environments_check(&r.e, &err), -1);
	assert_non_null(strstr(err.text, "environments.a.path"));
	arena_release(&r.a);
	read_file(&r, "environments: {a: {path: a}}\nbuild: {}\n");
	assert_int_equal(environments_check(&r.e, &err), 0);
	arena_release(&r.a);
}

/* --- build, deliver --- */

static const char pushed[] =
	"environments:\n"
	"  staging: {branch: main, path: s, deliver: direct, onFailure: keep}\n"
	"  prod: {branch: rel, path: p, deliver: {config: \"git@git.example.com:a/b.git\", environment: live}}\n"
	"  dev: {path: d}\n"
	"build:\n"
	"  web: {context: ./services/web/, dockerfile: docker/Dockerfile, args: {V: 1.10, W: }, platforms: [linux/amd64, "
	"linux/arm/v7],\n"
	"        secrets: [npm-token, .x, a.b], image: registry.example.com:5000/team/web}\n"
	"  api: {context: .}\n"
	"  job: {exec: [./build.sh, -v], timeout: 10m, memory: 1Gi, disk: 2Gi, cpus: 1.5, noCache: true}\n"
	"deliver: {config: \"ssh://git@git.example.com/config.git\", branch: main, path: deploy/./prod, review: true}\n";

static void builds_are_read(void **state)
{
	struct read r;
	read_file(&r, pushed);
	assert_string_equal(
		said(&r),
		"capstan.yaml:7:30: error: build.web.secrets[1]: `.x` is no name of a secret: letters, "
		"digits, -, _ and .\n");
	assert_int_equal(r.e.n_builds, 3);
	const struct environments_build *web = &r.e.builds[0], *api = &r.e.builds[1], *job = &r.e.builds[2];
	assert_string_equal(web->name, "web");
	assert_int_equal(web->line, 6);
	assert_string_equal(web->context, "services/web");
	assert_string_equal(web->dockerfile, "docker/Dockerfile");
	assert_string_equal(web->image, "registry.example.com:5000/team/web");
	assert_int_equal(web->n_args, 2);
	assert_true(str_is(web->args[0].text, "1.10") && web->args[1].text.n == 0);
	assert_int_equal(web->n_platforms, 2);
	assert_string_equal(web->platforms[1], "linux/arm/v7");
	assert_int_equal(web->n_secrets, 2);
	assert_string_equal(web->secrets[1], "a.b");
	assert_null(web->command);
	assert_string_equal(api->dockerfile, "Dockerfile");
	assert_string_equal(api->context, ".");
	assert_null(api->image);
	assert_int_equal(api->timeout_ms + api->memory_bytes + api->disk_bytes + api->cpus_milli, 0);
	assert_null(job->dockerfile);
	assert_string_equal(job->context, ".");
	assert_string_equal(job->command[1], "-v");
	assert_true(job->no_cache && !web->no_cache);
	assert_int_equal(job->timeout_ms, 600000);
	assert_int_equal(job->memory_bytes, 1ll << 30);
	assert_int_equal(job->disk_bytes, 2ll << 30);
	assert_int_equal(job->cpus_milli, 1500);
	arena_release(&r.a);
}

static void images_are_read(void **state)
{
	struct read r;
	read_file(
		&r,
		"environments:\n"
		"  prod: {path: a, branch: main}\n"
		"images:\n"
		"  web: {image: r.example.com/web, policy: {semver: {range: 1.10}}, digest: pin, environments: [prod]}\n"
		"  job: {image: r.example.com/job, policy: {time: {}}, filter: {pattern: ^v, extract: $1}, interval: 10s, message: new}\n");
	assert_string_equal(said(&r), "");
	assert_int_equal(r.e.n_images, 2);
	const struct environments_image *web = &r.e.images[0], *job = &r.e.images[1];
	cleanup_buf struct buf spec = BUF_INIT;
	assert_string_equal(web->name, "web");
	assert_int_equal(web->line, 4);
	assert_int_equal(web->n_environments, 1);
	assert_string_equal(web->environments[0], "prod");
	json_write(&spec, web->spec);
	/* As an ImageRule has it; a range is a text, whatever it looks like. */
	assert_string_equal(spec.p,
			    "{\"image\":\"r.example.com/web\",\"policy\":{\"semver\":{\"range\":\"1.10\"}},"
			    "\"digest\":\"pin\"}");
	buf_clear(&spec);
	json_write(&spec, job->spec);
	assert_string_equal(
		spec.p,
		"{\"image\":\"r.example.com/job\",\"policy\":{\"time\":{}},\"filter\":{\"pattern\":\"^v\","
		"\"extract\":\"$1\"},\"interval\":\"10s\"}");
	assert_string_equal(job->message, "new");
	arena_release(&r.a);
}

static void wrong_images_are_told(void **state)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "{policy: {time: {}}}", "images.web: `image` is missing" },
		{ "{image: web}", "`policy` is missing" },
		{ "{image: web:v1, policy: {time: {}}}", "images.web.image" },
		{ "{image: web, policy: {}}", "has to be one of" },
		{ "{image: web, policy: {time: {}, numerical: {}}}", "has to be one of" },
		{ "{image: web, policy: {newest: {}}}", "newest" },
		{ "{image: web, policy: {numerical: {order: up}}}", "order" },
		{ "{image: web, policy: {time: {}}, interval: 1s}", "images.web.interval" },
		{ "{image: web, policy: {time: {}}, digest: yes}", "images.web.digest" },
		{ "{image: web, policy: {time: {}}, environments: [dev]}", "no environment `dev`" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct read r;
		cleanup_buf struct buf text = BUF_INIT;
		buf_printf(&text, "environments:\n  prod: {path: a}\nimages:\n  web: %s\n", cases[i].line);
		read_file(&r, text.p);
		if (!strstr(said(&r), cases[i].words))
			fail_msg("%s: %s", cases[i].line, said(&r));
		arena_release(&r.a);
	}
}

static void deliveries_are_read(void **state)
{
	struct read r;
	read_file(&r, pushed);
	const struct environments_deliver *d = r.e.deliver, *prod = r.e.list[1].deliver;
	assert_true(d->config && d->review && d->line == 10);
	assert_string_equal(d->url, "ssh://git@git.example.com/config.git");
	assert_string_equal(d->branch, "main");
	assert_string_equal(d->path, "deploy/prod");
	assert_null(d->environment);
	assert_non_null(r.e.list[0].deliver);
	assert_false(r.e.list[0].deliver->config);
	assert_int_equal(r.e.list[0].on_failure, ENVIRONMENTS_FAILURE_KEEP);
	assert_true(prod->config && !prod->review && !prod->path);
	assert_string_equal(prod->environment, "live");
	assert_null(r.e.list[2].deliver);
	arena_release(&r.a);
	read_file(&r, "environments: {a: {path: b}}\ndeliver: direct\n");
	assert_true(r.e.deliver && !r.e.deliver->config && r.e.n_diags == 0);
	arena_release(&r.a);
}

static void check_build(const char *fields, const char *want)
{
	cleanup_buf struct buf text = BUF_INIT, all = BUF_INIT;
	buf_printf(&text, "environments: {a: {path: b}}\nbuild: {web: {%s}}\n", fields);
	buf_printf(&all, "capstan.yaml:2%s\n", want);
	check_said(text.p, want[0] ? all.p : "");
}

static void wrong_builds_are_told(void **state)
{
#define NO_IMAGE                                                                              \
	" is no name of an image with its registry, without tag or digest, such as registry." \
	"example.com/team/web"
	check_build("contxt: a", ": error: build.web: `contxt` is not known; did you mean `context`?");
	check_build("context: ../a",
		    ":24: error: build.web.context: `../a` must not hold `..`: paths begin at the root "
		    "of the repository and stay in it");
	check_build("dockerfile: .",
		    ": error: build.web: dockerfile: is a directory; write `dockerfile: Dockerfile`");
	check_build("image: web", ":22: error: build.web.image: `web`" NO_IMAGE);
	check_build("image: team/web", ":22: error: build.web.image: `team/web`" NO_IMAGE);
	check_build("image: 'r.io/web:v1'", ":22: error: build.web.image: `r.io/web:v1`" NO_IMAGE);
	check_build("image: r.io/Web", ":22: error: build.web.image: `r.io/Web`" NO_IMAGE);
	check_build("image: 'localhost:5000/web'", "");
	check_build("platforms: [amd64]",
		    ":27: error: build.web.platforms[0]: `amd64` is no platform such as linux/amd64");
	check_build("platforms: [linux/arm/]",
		    ":27: error: build.web.platforms[0]: `linux/arm/` is no platform such as linux/amd64");
	check_build("args: {a-b: 1}",
		    ": error: build.web.args: `a-b` is no name of a variable: letters, digits and _, "
		    "not a digit in front");
	check_build("secrets: [a/b]",
		    ":25: error: build.web.secrets[0]: `a/b` is no name of a secret: letters, digits, "
		    "-, _ and .");
	check_build("exec: []", ": error: build.web: exec: is empty; write `exec: [./build.sh]`");
	check_build(
		"exec: [a], args: {A: 1}",
		": error: build.web: a program (`exec`) decides on these itself: take image, dockerfile, args, "
		"platforms and secrets away");
	check_build("cpus: 1m", ":21: error: build.web.cpus: `1m` is not between 10m and 1024");
	check_build("cpus: 1.2345",
		    ":21: error: build.web.cpus: `1.2345` is not a number of processors such as 2 or 500m");
	check_build("cpus: 500m", "");
	check_build("memory: 1Mi", ":23: error: build.web.memory: `1Mi` is not between 64Mi and 1048576Mi");
	cleanup_buf struct buf many = BUF_INIT;
	buf_adds(&many, "environments: {a: {path: b}}\nbuild:\n");
	for (unsigned i = 0; i <= ENVIRONMENTS_BUILDS_MAX; i++)
		buf_printf(&many, "  b%u: {}\n", i);
	check_said(many.p,
		   "capstan.yaml:3:3: error: build: has more than 64 images (ENVIRONMENTS_BUILDS_MAX)\n");
}

static void check_deliver(const char *value, const char *want)
{
	cleanup_buf struct buf text = BUF_INIT, all = BUF_INIT;
	buf_printf(&text, "environments: {a: {path: b}}\ndeliver: %s\n", value);
	buf_printf(&all, "capstan.yaml:2:%s\n", want);
	check_said(text.p, want[0] ? all.p : "");
}

static void wrong_deliveries_are_told(void **state)
{
#define NO_URL                                                                                \
	" is no URL of a repository: it begins with ssh://, https:// or http://, or is USER@" \
	"HOST:PATH"
	check_deliver("directly", "10: error: deliver: `directly` is not known; write `direct`, or a map");
	check_deliver("[direct]",
		      "10: error: deliver: must be a map, this is a list; write `deliver: direct`");
	check_deliver("{path: a}", "10: error: deliver: `config` is missing; write `config: "
				   "ssh://git@git.example.com/team/config.git`");
	check_deliver("{config: 'file:///x'}", "19: error: deliver.config: `file:///x`" NO_URL);
	check_deliver("{config: /srv/x.git}", "19: error: deliver.config: `/srv/x.git`" NO_URL);
	check_deliver("{config: 'ext::sh -c x'}", "19: error: deliver.config: `ext::sh -c x`" NO_URL);
	check_deliver("{config: 'ssh://-oProxyCommand=x/y'}",
		      "19: error: deliver.config: `ssh://-oProxyCommand=x/y`" NO_URL);
	check_deliver("{config: 'a@-oProxyCommand=x:y'}",
		      "19: error: deliver.config: `a@-oProxyCommand=x:y`" NO_URL);
	check_deliver(
		"{config: 'https://me:secret@h/x'}",
		"19: error: deliver.config: `https://me:secret@h/x` must not hold a name or password: everybody who "
		"reads the repository would have it; they belong into the Secret of its Repo");
	check_deliver("{config: 'https://h/x', path: a, environment: b}",
		      "10: error: deliver: has both `path` and `environment`; keep one of them");
	check_deliver("{config: 'git@h:x', branch: a..b}",
		      "38: error: deliver.branch: `a..b` is no name of a branch that git takes");
	check_deliver("{config: 'http://127.0.0.1:8080/a.git'}", "");
	check_field(
		"deliver: {path: x}",
		"capstan.yaml:4:14: error: environments.prod.deliver: `config` is missing; write `config: "
		"ssh://git@git.example.com/team/config.git`\n");
}

/* --- what is made of the tables --- */

static char *file_text(struct arena *a, const char *path)
{
	cleanup_buf struct buf text = BUF_INIT;
	char chunk[4096];
	FILE *in = fopen(path, "rb");
	if (!in)
		fail_msg("%s is not there", path);
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), in));)
		buf_add(&text, chunk, n);
	fclose(in);
	return arena_strndup(a, text.p ? text.p : "", text.n);
}

/* With CAPSTAN_GOLDEN_UPDATE set it is written anew. */
static void the_schema_is_as_the_tables_say(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = SOURCE_ROOT "/deploy/schema/capstan.schema.json";
	json_write_pretty(&text, environments_schema(&a));
	if (getenv("CAPSTAN_GOLDEN_UPDATE")) {
		FILE *out = fopen(path, "wb");
		assert_non_null(out);
		fwrite(text.p, 1, text.n, out);
		fclose(out);
	}
	if (strcmp(text.p, file_text(&a, path)) != 0)
		fail_msg("%s is not what the tables say: run this test with CAPSTAN_GOLDEN_UPDATE=1", path);
}

/* Every field of a schema, in any depth, is told by the page. */
static void check_told(const struct node *schema, const char *page)
{
	const struct node *properties = node_get(schema, "properties");
	for (size_t i = 0; i < node_count(properties); i++) {
		cleanup_buf struct buf name = BUF_INIT;
		const struct node_pair *pair = &properties->map.pairs[i];
		buf_printf(&name, "`%.*s`", STR_ARG(pair->key));
		if (!strstr(page, name.p))
			fail_msg("docs/reference/capstan-yaml.md says nothing of %s", name.p);
		check_told(pair->value, page);
		check_told(node_get(pair->value, "items"), page);
		check_told(node_get(pair->value, "additionalProperties"), page);
		check_told(node_item(node_get(pair->value, "anyOf"), 1), page);
	}
}

static void the_page_tells_every_field(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	check_told(environments_schema(&a), file_text(&a, SOURCE_ROOT "/docs/reference/capstan-yaml.md"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_read),
		cmocka_unit_test(values_are_texts_as_they_are_written),
		cmocka_unit_test(programs_are_read),
		cmocka_unit_test(everything_wrong_is_told_at_once),
		cmocka_unit_test(paths_stay_in_the_repository),
		cmocka_unit_test(a_program_belongs_to_exec),
		cmocka_unit_test(each_field_has_its_type),
		cmocka_unit_test(equal_targets_are_refused),
		cmocka_unit_test(rendered_directories_are_apart),
		cmocka_unit_test(the_file_itself_may_be_wrong),
		cmocka_unit_test(environments_are_found_by_name),
		cmocka_unit_test(all_errors_are_one_error),
		cmocka_unit_test(builds_are_read),
		cmocka_unit_test(deliveries_are_read),
		cmocka_unit_test(images_are_read),
		cmocka_unit_test(wrong_images_are_told),
		cmocka_unit_test(wrong_builds_are_told),
		cmocka_unit_test(wrong_deliveries_are_told),
		cmocka_unit_test(the_schema_is_as_the_tables_say),
		cmocka_unit_test(the_page_tells_every_field),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
