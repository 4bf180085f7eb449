// What Flux makes of substitutions, by its own modules: the answers that tests/golden/substitute holds, and
// the other side of the differential test (compare).
//
//	oracle expressions   JSON lines {"text", "vars", "strict"} in, {"out"} or {"error"} out
//	oracle objects       JSON lines {"yaml", "vars", "strict"} in, {"out": [objects]} or {"error"} out
//	oracle letters       the C table of upper and lower case letters (src/render/letters_table.c)
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"unicode"

	"github.com/fluxcd/pkg/envsubst"
	"github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/provider"
)

type question struct {
	Text   string            `json:"text"`
	YAML   string            `json:"yaml"`
	Vars   map[string]string `json:"vars"`
	Strict bool              `json:"strict"`
}

type answer struct {
	Out   any    `json:"out,omitempty"`
	Error string `json:"error,omitempty"`
}

// A panic is an answer too: envsubst has some.
func guarded(ask func(question) (any, error), q question) (a answer) {
	defer func() {
		if r := recover(); r != nil {
			a = answer{Error: fmt.Sprintf("panic: %v", r)}
		}
	}()
	out, err := ask(q)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Out: out}
}

func expression(q question) (any, error) {
	return envsubst.Eval(q.Text, func(name string) (string, bool) {
		value, exists := q.Vars[name]
		return value, exists || !q.Strict
	})
}

func objects(q question) (any, error) {
	substitute := map[string]any{}
	for name, value := range q.Vars {
		substitute[name] = value
	}
	owner := unstructured.Unstructured{Object: map[string]any{
		"spec": map[string]any{"postBuild": map[string]any{"substitute": substitute}},
	}}
	list, err := provider.NewDefaultDepProvider().GetResourceFactory().SliceFromBytes([]byte(q.YAML))
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, one := range list {
		// nil with no error: the object opted out and stays as it is.
		if _, err := kustomize.SubstituteVariables(context.Background(), nil, owner, one,
			kustomize.SubstituteWithDryRun(true), kustomize.SubstituteWithStrict(q.Strict),
			kustomize.SubstituteWithAlways(true)); err != nil {
			return nil, err
		}
		text, err := one.MarshalJSON()
		if err != nil {
			return nil, err
		}
		out = append(out, json.RawMessage(text))
	}
	return out, nil
}

func serve(ask func(question) (any, error)) error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			return err
		}
		if err := out.Encode(guarded(ask, q)); err != nil {
			return err
		}
	}
	return in.Err()
}

// Letters with another case, as ranges of one distance: {first, last, distance, step}.
func table(name string, to func(rune) rune) {
	fmt.Printf("const struct letter_range %s[] = {\n", name)
	n := 0
	for r := rune(0x80); r <= unicode.MaxRune; {
		distance := to(r) - r
		if distance == 0 {
			r++
			continue
		}
		step := rune(1)
		if to(r+1) == r+1 && to(r+2)-(r+2) == distance {
			step = 2
		}
		last := r
		for to(last+step)-(last+step) == distance && (step == 1 || to(last+1) == last+1) {
			last += step
		}
		fmt.Printf("\t{ 0x%x, 0x%x, %d, %d },\n", r, last, distance, step)
		n++
		r = last + 1
	}
	fmt.Printf("};\nconst size_t %s_n = %d;\n", name, n)
}

func letters() error {
	fmt.Printf("/* letters_table.c - made by tests/peers/envsubst/generate from Unicode %s; see letters.h. */\n"+
		"/* clang-format off */\n#include \"render/letters.h\"\n\n", unicode.Version)
	table("letters_upper", unicode.ToUpper)
	fmt.Println()
	table("letters_lower", unicode.ToLower)
	fmt.Println("/* clang-format on */")
	return nil
}

func main() {
	var err error
	switch mode := append(os.Args, "")[1]; mode {
	case "expressions":
		err = serve(expression)
	case "objects":
		err = serve(objects)
	case "letters":
		err = letters()
	default:
		err = fmt.Errorf("oracle: no mode is called %q", mode)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
