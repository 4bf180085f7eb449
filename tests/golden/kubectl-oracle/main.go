// kubectl-oracle prints what kubectl would send for a file: the same decoder, the same builder, the
// same number handling, from Kubernetes' own modules. The C tests read only what it wrote.
//
//	kubectl-oracle documents FILE   one line of JSON for each document of the stream
//	kubectl-oracle objects FILE     one line for each object, lists flattened (needs apiVersion and kind)
//	kubectl-oracle marshal FILE     the JSON in FILE as sigs.k8s.io/yaml.Marshal prints it
//	kubectl-oracle documents -      many files on standard input, with lines "====" between them
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	k8sjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/cli-runtime/pkg/resource"
	sigsyaml "sigs.k8s.io/yaml"
)

func encode(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// documents follows resource.FileVisitor and resource.StreamVisitor, but asks for no kind.
func documents(in io.Reader, out io.Writer) error {
	bom := unicode.BOMOverride(unicode.UTF8.NewDecoder())
	decoder := yaml.NewYAMLOrJSONDecoder(transform.NewReader(in, bom), 4096)
	for {
		raw := runtime.RawExtension{}
		if err := decoder.Decode(&raw); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		text := bytes.TrimSpace(raw.Raw)
		if len(text) == 0 || bytes.Equal(text, []byte("null")) {
			continue
		}
		var value any
		if err := k8sjson.Unmarshal(text, &value); err != nil {
			return err
		}
		if err := encode(out, value); err != nil {
			return err
		}
	}
}

func objects(path string, out io.Writer) error {
	result := resource.NewLocalBuilder().Unstructured().ContinueOnError().
		FilenameParam(false, &resource.FilenameOptions{Filenames: []string{path}}).Flatten().Do()
	return result.Visit(func(info *resource.Info, err error) error {
		if err != nil {
			return err
		}
		return encode(out, info.Object.(*unstructured.Unstructured).Object)
	})
}

func marshal(path string, out io.Writer) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var value any
	if err := k8sjson.Unmarshal(data, &value); err != nil {
		return err
	}
	text, err := sigsyaml.Marshal(value)
	if err == nil {
		_, err = out.Write(text)
	}
	return err
}

// stream answers many small files at once; each answer ends with a line "====" or "==== error".
func stream(in io.Reader, out io.Writer) error {
	data, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	for _, file := range strings.Split(string(data), "\n====\n") {
		var answer bytes.Buffer
		if err := documents(strings.NewReader(file), &answer); err != nil {
			fmt.Fprintf(out, "==== error %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		fmt.Fprintf(out, "%s====\n", answer.String())
	}
	return nil
}

func run(mode, path string) error {
	switch {
	case mode == "documents" && path == "-":
		return stream(os.Stdin, os.Stdout)
	case mode == "documents":
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		return documents(file, os.Stdout)
	case mode == "objects":
		return objects(path, os.Stdout)
	case mode == "marshal":
		return marshal(path, os.Stdout)
	}
	return fmt.Errorf("unknown mode %q", mode)
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: kubectl-oracle documents|objects|marshal FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
