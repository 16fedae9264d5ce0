package hosts

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// places tells where each key of a host stands in the file; "" is the host itself.
type places map[string]*token.Position

// decoder walks the syntax tree by hand rather than through struct tags: so the
// order of hosts is kept, defaults merge by being applied first, every complaint
// has its place, and none prints the source line, which may hold a password.
type decoder struct {
	name    string
	private bool // literal secrets are fine: nobody else can read the file
	at      map[string]places
	errs    []error
}

// err returns everything found, so that one run shows all there is to mend.
func (d *decoder) err() error { return errors.Join(d.errs...) }

func (d *decoder) complain(at *token.Position, format string, args ...any) {
	where := d.name
	if at != nil {
		where = fmt.Sprintf("%s:%d:%d", d.name, at.Line, at.Column)
	}
	d.errs = append(d.errs, fmt.Errorf(where+": "+format, args...))
}

// problem is where the checks of a whole set report to.
func (d *decoder) problem(id, field, message string) {
	at := d.at[id][field]
	if at == nil {
		at = d.at[id][""]
	}
	if id != "" {
		message = "host " + id + ": " + message
	}
	d.complain(at, "%s", message)
}

// file decodes the whole file into hosts, defaults applied.
func (d *decoder) file(data []byte) []Host {
	tree, err := parseYAML(data)
	if err != nil {
		var e yaml.Error
		if errors.As(err, &e) && e.GetToken() != nil {
			d.complain(e.GetToken().Position, "%s", inWords(e.GetMessage()))
		} else {
			d.complain(nil, "this is not YAML: %s", strings.SplitN(err.Error(), "\n", 2)[0])
		}
		return nil
	}
	if len(tree.Docs) > 1 {
		d.complain(nil, "the file has %d YAML documents: keep one, without --- lines", len(tree.Docs))
		return nil
	}
	var defaults, hosts ast.Node
	if len(tree.Docs) == 1 && tree.Docs[0].Body != nil {
		d.mapping(tree.Docs[0].Body, "the file", func(key *token.Token, value ast.Node) {
			switch key.Value {
			case "defaults":
				defaults = value
			case "hosts":
				hosts = value
			default:
				d.unknown(key, []string{"defaults", "hosts"})
			}
		})
	}
	if hosts == nil {
		if len(d.errs) == 0 {
			d.complain(nil, "the hosts: key is missing: write hosts: and below it one entry for each machine")
		}
		return nil
	}
	base, basePlaces := Host{}, places{}
	if defaults != nil {
		d.host(&base, defaults, basePlaces, "defaults")
	}
	var all []Host
	d.mapping(hosts, "hosts", func(key *token.Token, value ast.Node) {
		h := base
		h.ID = key.Value
		at := places{}
		for k, p := range basePlaces {
			at[k] = p
		}
		at[""] = key.Position
		d.at[h.ID] = at
		d.host(&h, value, at, "host "+h.ID)
		all = append(all, h)
	})
	return all
}

// host applies the keys below n to h.
func (d *decoder) host(h *Host, n ast.Node, at places, what string) {
	d.mapping(n, what, func(key *token.Token, value ast.Node) {
		set, known := fields[key.Value]
		if !known {
			d.unknown(key, fieldNames())
			return
		}
		at[key.Value] = key.Position
		if err := set(h, value); err != nil {
			d.complain(position(value, key), "%s: %w", key.Value, err)
			return
		}
		if !d.private && (key.Value == "password" && h.Password.Literal() || key.Value == "passphrase" && h.Passphrase.Literal()) {
			d.complain(key.Position, "%s: the secret is in a file that others can read: "+
				"run chmod 600 on the file, or write env:NAME or file:/path instead", key.Value)
		}
	})
}

// mapping calls fn for each key of n in order and complains about anything else.
func (d *decoder) mapping(n ast.Node, what string, fn func(*token.Token, ast.Node)) {
	m, ok := n.(ast.MapNode)
	if !ok {
		d.complain(position(n, nil), "%s must be a list of \"key: value\" lines%s", what, insteadOf(n))
		return
	}
	seen := map[string]bool{}
	for iter := m.MapRange(); iter.Next(); {
		key := iter.Key().GetToken()
		if _, merge := iter.Key().(*ast.MergeKeyNode); merge {
			d.complain(key.Position, "anchors and merge keys are not supported: put what all hosts share under defaults:")
			continue
		}
		if _, scalar := iter.Key().(ast.ScalarNode); !scalar {
			d.complain(key.Position, "%s: a key must be a plain word", what)
			continue
		}
		if seen[key.Value] {
			d.complain(key.Position, "%s is given twice in %s: remove one", key.Value, what)
			continue
		}
		seen[key.Value] = true
		fn(key, iter.Value())
	}
}

func (d *decoder) unknown(key *token.Token, known []string) {
	d.complain(key.Position, "unknown key %q: remove it or correct it; the keys are %s", key.Value, strings.Join(known, ", "))
}

// parseYAML parses data; a panic of the parser on malformed input is an error like any other.
func parseYAML(data []byte) (f *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	return parseInParts(data)
}

func position(n ast.Node, key *token.Token) *token.Position {
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		return n.GetToken().Position
	}
	if key != nil {
		return key.Position
	}
	return nil
}

// insteadOf says what n is where a mapping belongs.
func insteadOf(n ast.Node) string {
	switch n.(type) {
	case nil, *ast.NullNode:
		return ", and is empty"
	case *ast.SequenceNode:
		return ", and is a list with dashes"
	case *ast.AnchorNode, *ast.AliasNode:
		return "; anchors are not supported: put what all hosts share under defaults:"
	case *ast.StringNode:
		return "; a key is followed by a colon and a space"
	}
	return ""
}

func fieldNames() []string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
