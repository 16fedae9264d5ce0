package api_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sftpgate/gateway"
	"sftpgate/gateway/api"
	"sftpgate/gateway/metrics"
	"sftpgate/gateway/web"
)

// The routes are those that are described, in both directions.
func TestEveryRouteIsDescribed(t *testing.T) {
	m := web.NewMux()
	api.Routes(m, &recorder{})
	metrics.New("").Routes(m, false)
	routes := m.Routes()
	for i, r := range routes {
		routes[i] = strings.ReplaceAll(r, "...}", "}")
	}
	slices.Sort(routes)
	if described := sorted(readSpec(t).operations()); !slices.Equal(routes, described) {
		t.Errorf("routes\n%s\ndescribed\n%s", strings.Join(routes, "\n"), strings.Join(described, "\n"))
	}
}

// Every code is described, and with the status that it has.
func TestEveryCodeIsDescribed(t *testing.T) {
	s := readSpec(t)
	statuses := web.Statuses()
	for _, code := range declaredCodes(t) {
		if statuses[gateway.Code(code)] == 0 {
			t.Errorf("%s has no status", code)
		}
	}
	schema, _ := s.at("/components/schemas/Code")
	if described := texts(schema["enum"]); !slices.Equal(described, codesOf(statuses)) {
		t.Errorf("described %v\nthere are %v", described, codesOf(statuses))
	}
	found := map[gateway.Code]int{"method-not-allowed": 405} // at no operation, that is its meaning
	responses, _ := s.at("/components/responses")
	for name := range responses {
		media, _ := s.at("/components/responses/"+name+"/content", "application/problem+json", "schema")
		parts, _ := media["allOf"].([]any)
		if len(parts) != 2 {
			continue
		}
		narrowed := parts[1].(map[string]any)["properties"].(map[string]any)
		status, _ := strconv.Atoi(asText(narrowed["status"].(map[string]any)["const"]))
		for _, code := range texts(narrowed["code"].(map[string]any)["enum"]) {
			found[gateway.Code(code)] = status
		}
		for route, op := range s.operations() {
			for at, r := range op["responses"].(map[string]any) {
				if ref, _ := r.(map[string]any)["$ref"].(string); ref == "#/components/responses/"+name && at != strconv.Itoa(status) {
					t.Errorf("%s: %s stands at %s", route, name, at)
				}
			}
		}
	}
	for code, status := range statuses {
		if found[code] != status {
			t.Errorf("%s is described with %d and has %d", code, found[code], status)
		}
	}
}

// declaredCodes are the constants of type Code in package gateway.
func declaredCodes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "Code" {
			code, _ := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			codes = append(codes, code)
		}
		return true
	})
	if len(codes) < 20 {
		t.Fatalf("only %d codes were found", len(codes))
	}
	return codes
}

func codesOf(statuses map[gateway.Code]int) []string {
	var codes []string
	for code := range statuses {
		codes = append(codes, string(code))
	}
	slices.Sort(codes)
	return codes
}

// texts are the strings of a list, sorted.
func texts(list any) []string {
	var all []string
	for _, v := range list.([]any) {
		all = append(all, v.(string))
	}
	slices.Sort(all)
	return all
}

func asText(v any) string {
	if n, ok := v.(interface{ String() string }); ok {
		return n.String()
	}
	return ""
}

// Every refusal there is, with all that one can hold, answers as described.
func TestEveryRefusalIsAsDescribed(t *testing.T) {
	s := readSpec(t)
	service := &recorder{}
	c := caller{t: t, spec: s, url: serve(t, service)}
	for code := range web.Statuses() {
		if code == web.MethodNotAllowed {
			continue
		}
		service.err = &gateway.Error{Code: code, Detail: "a sentence", RetryAfter: 1500 * time.Millisecond, Missing: [][2]int64{{0, 5}, {7, 9}},
			Existing: &gateway.Existing{Size: 3, MTime: time.Now(), ETag: `"e"`},
			Upload:   &gateway.Upload{ID: "u1", Size: -1, State: gateway.Failed, CreatedAt: time.Now(), Error: gateway.Refuse(gateway.NoSpace, "full")}}
		a := c.call("PUT", "/v1/hosts/h/files/x", "x")
		if a.json["code"] != string(code) {
			t.Errorf("%s: %s", code, a.body)
		}
	}
	if missing := missing(codesOf(web.Statuses()), s.codes); len(missing) != 1 {
		t.Errorf("not seen: %v", missing)
	}
}

func missing(want []string, seen map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(want), func(w string) bool { return seen[w] })
}

// What this test kit is for, it does: a member too many, one too few, a value of
// another kind are noticed.
func TestTheDescriptionBites(t *testing.T) {
	s := readSpec(t)
	const upload = "/components/schemas/Upload"
	for text, fine := range map[string]bool{
		`"created_at":"2026-01-02T03:04:05Z"`:                                                                             true,
		`"created_at":"2026-01-02T03:04:05Z","extra":1`:                                                                   false,
		`"created_at":"yesterday"`:                                                                                        false,
		`"received":[[0,1,2]],"created_at":"2026-01-02T03:04:05Z"`:                                                        false,
		`"error":{"code":"no-space"},"created_at":"2026-01-02T03:04:05Z"`:                                                 false,
		`"error":` + aProblem(`"size":1`) + `,"created_at":"2026-01-02T03:04:05Z"`:                                        true,
		`"error":` + aProblem(`"sizes":1`) + `,"created_at":"2026-01-02T03:04:05Z"`:                                       false,
		`"error":` + strings.Replace(aProblem(`"size":1`), "quota", "quota2", 2) + `,"created_at":"2026-01-02T03:04:05Z"`: false,
	} {
		value := decoded(t, `{"id":"i","host":"h","path":"/p","user":"u","size":1,"chunk_size":null,"state":"done","received_bytes":0,"merged_bytes":0,"engine":"","digest":null,"verified":"",`+text+`}`)
		if err := s.holds(upload, value); (err == nil) != fine {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return value
}

func aProblem(more string) string {
	return `{"type":"urn:sftpgate:problem:quota","title":"t","status":507,"detail":"d","code":"quota","retryable":false,` + more + `}`
}

func TestDescriptionIsServed(t *testing.T) {
	s := readSpec(t)
	c := caller{t: t, spec: s, url: serve(t, &recorder{})}
	a := c.call("GET", "/openapi.yaml", "", "X-User", "a", "X-User", "b") // nobody is asked who he is
	if a.status != 200 || a.header.Get("Content-Type") != "application/yaml" || !strings.HasPrefix(a.body, "openapi: 3.1.") {
		t.Errorf("%d %v %.40s", a.status, a.header, a.body)
	}
	h := c.call("HEAD", "/openapi.yaml", "")
	if h.status != 200 || h.body != "" || h.header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
		t.Errorf("HEAD: %d %v", h.status, h.header)
	}
	// What is described there is found there: paths in texts, too.
	for _, path := range regexp.MustCompile(`/v1/[a-z]+`).FindAllString(a.body, -1) {
		if path != "/v1/me" && path != "/v1/hosts" && path != "/v1/uploads" {
			t.Errorf("what is %s?", path)
		}
	}
}

var silent = slog.New(slog.DiscardHandler)

// caller makes requests that are held to the description.
type caller struct {
	t    *testing.T
	spec *spec
	url  string
	user []string // header lines of every request
}

func (c caller) as(user string) caller { c.user = []string{"X-User", user}; return c }

// call makes one request; header holds names and values in turn.
func (c caller) call(method, target, body string, header ...string) answer {
	c.t.Helper()
	header = append(slices.Clone(c.user), header...)
	a := send(c.t, c.url, method, target, body, header...)
	x := exchange{method: method, target: target, header: http.Header{}, body: body, status: a.status, got: a.header, answer: []byte(a.body)}
	for i := 0; i < len(header); i += 2 {
		x.header.Add(header[i], header[i+1])
	}
	c.spec.check(x)
	return a
}
