package api_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// spec is the API's description, which requests and answers are held to. Its
// schemas are JSON Schema 2020-12, and here they are closed: a member of an
// answer that is not described is a mistake, although clients pass over it.
type spec struct {
	t       *testing.T
	doc     map[string]any
	schemas *jsonschema.Compiler
	mu      sync.Mutex      // exchanges may end at once
	seen    map[string]bool // "operationId status" of the answers that were held to it
	codes   map[string]bool // of the refusals among them
	used    map[string]bool // "operationId name" of parameters and members of bodies that were taken
}

// exchange is a request and its answer.
type exchange struct {
	method, target string // the target as it was sent
	header         http.Header
	body           string
	status         int
	got            http.Header
	answer         []byte
}

func readSpec(t *testing.T) *spec {
	t.Helper()
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err = yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	noStrayKeys(t, doc)
	closeSchemas(doc)
	s := &spec{t: t, doc: doc.(map[string]any), schemas: jsonschema.NewCompiler(), seen: map[string]bool{}, codes: map[string]bool{}, used: map[string]bool{}}
	s.schemas.DefaultDraft(jsonschema.Draft2020)
	s.schemas.AssertFormat()
	if err := s.schemas.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return s
}

// noStrayKeys: in YAML's braces a text with a comma and no quotes ends at the
// comma, and its rest becomes a key.
func noStrayKeys(t *testing.T, node any) {
	t.Helper()
	switch node := node.(type) {
	case []any:
		for _, n := range node {
			noStrayKeys(t, n)
		}
	case map[string]any:
		for key, n := range node {
			if n == nil && strings.Contains(key, " ") {
				t.Errorf("%q has no value: it is the rest of a text that needs quotes", key)
			}
			noStrayKeys(t, n)
		}
	}
}

// closeSchemas lets every object have the members that are described, and no others.
func closeSchemas(node any) {
	switch node := node.(type) {
	case []any:
		for _, n := range node {
			closeSchemas(n)
		}
	case map[string]any:
		for _, n := range node {
			closeSchemas(n)
		}
		if _, described := node["properties"]; described && node["type"] == "object" && node["additionalProperties"] == nil {
			node["unevaluatedProperties"] = false
		}
	}
}

// at is the node that a JSON pointer and these names lead to, and where it
// stands itself: references are followed on the way.
func (s *spec) at(pointer string, names ...string) (map[string]any, string) {
	for _, name := range names {
		pointer += "/" + escape(name)
	}
	node, at := s.doc, ""
	for _, name := range strings.Split(pointer, "/")[1:] {
		child, _ := node[unescape(name)].(map[string]any)
		node, at = child, at+"/"+name
		if ref, ok := child["$ref"].(string); ok {
			node, at = s.at(strings.TrimPrefix(ref, "#"))
		}
	}
	return node, at
}

func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func unescape(name string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
}

// holds reports what is wrong with a value by the schema at pointer.
func (s *spec) holds(pointer string, value any) error {
	schema, err := s.schemas.Compile("openapi.json" + (&url.URL{Fragment: pointer}).String())
	if err != nil {
		s.t.Fatalf("%s: %v", pointer, err)
	}
	return schema.Validate(value)
}

// operation finds the operation for a request; nil where there is none.
func (s *spec) operation(method, target string) (op map[string]any, pointer string) {
	path, _, _ := strings.Cut(target, "?")
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for template := range s.paths() {
		if !matches(template, path) {
			continue
		}
		if op, pointer := s.at("/paths/"+escape(template), strings.ToLower(method)); op != nil {
			return op, pointer
		}
	}
	return nil, ""
}

func (s *spec) paths() map[string]any { return s.doc["paths"].(map[string]any) }

// matches: {path} takes slashes, every other {name} does not.
func matches(template, path string) bool {
	for {
		want, moreWanted := "", false
		want, template, moreWanted = strings.Cut(template, "/")
		if want == "{path}" {
			return path != ""
		}
		text, rest, more := strings.Cut(path, "/")
		if want != text && !strings.HasPrefix(want, "{") || moreWanted != more {
			return false
		}
		if !more {
			return true
		}
		path = rest
	}
}

// operations lists the operations by "METHOD path".
func (s *spec) operations() map[string]map[string]any {
	all := map[string]map[string]any{}
	for path, item := range s.paths() {
		for method, op := range item.(map[string]any) {
			if method != "parameters" {
				all[strings.ToUpper(method)+" "+path] = op.(map[string]any)
			}
		}
	}
	return all
}

// check holds an exchange to the description.
func (s *spec) check(x exchange) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong := func(what string, err any) {
		s.t.Helper()
		s.t.Errorf("%s %s → %d: %s: %v\n%s", x.method, x.target, x.status, what, err, x.answer)
	}
	op, pointer := s.operation(x.method, x.target)
	response, answer := s.at("/components/responses/Other")
	if op != nil {
		if response, answer = s.at(pointer+"/responses", strconv.Itoa(x.status)); response == nil {
			wrong("this status is not described", "")
			return
		}
		s.seen[op["operationId"].(string)+" "+strconv.Itoa(x.status)] = true
		if x.status < 300 {
			s.checkRequest(x, pointer, wrong)
		}
	}
	s.checkHeaders(x, response, answer, wrong)
	if x.method != http.MethodHead {
		s.checkAnswer(x, response, answer, wrong)
	}
}

func (s *spec) checkHeaders(x exchange, response map[string]any, pointer string, wrong func(string, any)) {
	described, _ := response["headers"].(map[string]any)
	for name := range described {
		h, at := s.at(pointer+"/headers", name)
		switch text := x.got.Get(name); {
		case text == "" && h["required"] == true:
			wrong("a header is missing", name)
		case text != "":
			if err := s.holds(at+"/schema", typed(h["schema"], text)); err != nil {
				wrong("header "+name, err)
			}
		}
	}
}

// typed is the text of a header or parameter as the value that its schema is for.
func typed(schema any, text string) any {
	if m, ok := schema.(map[string]any); ok && m["type"] == "integer" {
		return json.Number(text)
	}
	return text
}

func (s *spec) checkAnswer(x exchange, response map[string]any, pointer string, wrong func(string, any)) {
	content, _ := response["content"].(map[string]any)
	if content == nil {
		if len(x.answer) > 0 {
			wrong("a body where none is described", "")
		}
		return
	}
	kind, _, err := mime.ParseMediaType(x.got.Get("Content-Type"))
	if media, _ := s.at(pointer+"/content", kind); err != nil || media == nil {
		wrong("this media type is not described", x.got.Get("Content-Type"))
		return
	}
	at := pointer + "/content/" + escape(kind)
	switch {
	case strings.HasSuffix(kind, "json"):
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(x.answer))
		if err == nil {
			err = s.holds(at+"/schema", value)
		}
		if err != nil {
			wrong("the body", err)
		}
		if code, ok := value.(map[string]any)["code"].(string); ok && kind == "application/problem+json" {
			s.codes[code] = true
		}
	case kind == "text/event-stream":
		s.checkEvents(x, at, wrong)
	}
}

func (s *spec) checkEvents(x exchange, at string, wrong func(string, any)) {
	for event := range strings.SplitSeq(strings.TrimSuffix(string(x.answer), "\n\n"), "\n\n") {
		head, data, _ := strings.Cut(event, "\ndata: ")
		name, ok := strings.CutPrefix(head, "event: ")
		if !ok {
			continue // the time to reconnect, heartbeats
		}
		_, schema := s.at(at+"/x-events", name)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
		if err == nil {
			err = s.holds(schema, value)
		}
		if err != nil {
			wrong("event "+name, err)
		}
		s.seen["watchUpload "+name] = true
	}
}

// read is what a parameter's text says to who knows its schema.
func (s *spec) read(pointer, text string) any {
	if schema, _ := s.at(pointer); schema["type"] == "integer" {
		return json.Number(text)
	}
	return text
}

// checkRequest: what the gateway took must be described.
func (s *spec) checkRequest(x exchange, pointer string, wrong func(string, any)) {
	described := s.parameters(pointer)
	op, _ := s.at(pointer)
	use := func(name string) { s.used[op["operationId"].(string)+" "+strings.ToLower(name)] = true }
	_, query, _ := strings.Cut(x.target, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		wrong("the query", err)
	}
	for name, value := range values {
		use(name)
		if at := described["query "+name]; at == "" {
			wrong("a parameter was taken that is not described", name)
		} else if err := s.holds(at+"/schema", s.read(at+"/schema", value[0])); err != nil {
			wrong("parameter "+name, err)
		}
	}
	for name := range x.header {
		use(name)
		if at := described["header "+strings.ToLower(name)]; at != "" {
			if err := s.holds(at+"/schema", x.header.Get(name)); err != nil {
				wrong("header "+name, err)
			}
		}
	}
	body, at := s.at(pointer, "requestBody")
	switch media, _ := s.at(at+"/content", "application/json"); {
	case body == nil && x.body != "":
		wrong("a body was taken where none is described", x.body)
	case media != nil && (x.body != "" || body["required"] == true):
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(x.body))
		if err == nil {
			err = s.holds(at+"/content/application~1json/schema", value)
		}
		if members, ok := value.(map[string]any); ok {
			for name := range members {
				use(name)
			}
		}
		if err != nil {
			wrong("the request's body "+x.body, err)
		}
	}
}

// parameters gives where each of an operation's and its path's is described, by "in name".
func (s *spec) parameters(operation string) map[string]string {
	all := map[string]string{}
	for _, owner := range []string{operation, operation[:strings.LastIndex(operation, "/")]} {
		node, _ := s.at(owner)
		list, _ := node["parameters"].([]any)
		for i, p := range list {
			at := owner + "/parameters/" + strconv.Itoa(i)
			m := p.(map[string]any)
			if ref, ok := m["$ref"].(string); ok {
				m, at = s.at(strings.TrimPrefix(ref, "#"))
			}
			name := m["name"].(string)
			if m["in"] == "header" {
				name = strings.ToLower(name)
			}
			all[m["in"].(string)+" "+name] = at
		}
	}
	return all
}

// unused lists what is described of requests and was never sent.
func (s *spec) unused() []string {
	var left []string
	for route, op := range s.operations() {
		method, path, _ := strings.Cut(route, " ")
		_, pointer := s.at("/paths/"+escape(path), strings.ToLower(method))
		names := map[string]bool{}
		for place := range s.parameters(pointer) {
			if in, name, _ := strings.Cut(place, " "); in != "path" {
				names[name] = true
			}
		}
		schema, _ := s.at(pointer+"/requestBody/content", "application/json", "schema")
		members, _ := schema["properties"].(map[string]any)
		for name := range members {
			names[name] = true
		}
		for name := range names {
			if !s.used[op["operationId"].(string)+" "+name] {
				left = append(left, route+" "+name)
			}
		}
	}
	slices.Sort(left)
	return left
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
