package hosts

import (
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// partSize is how many hosts the parser is given at once. It copies the rest of a
// mapping for each key in it, so that ten thousand at once take it seconds and a
// gigabyte of garbage.
const partSize = 64

// parseInParts parses a file whose hosts: is a long list in block style, some hosts
// at a time; every other file, and one with a mistake, as a whole.
func parseInParts(data []byte) (*ast.File, error) {
	tokens := lexer.Tokenize(string(data))
	if cuts := cutsOf(tokens); len(cuts) > 2 {
		if file := parseParts(tokens, cuts); file != nil {
			return file, nil
		}
	}
	return parser.ParseBytes(data, 0)
}

// parseParts parses the tokens with the hosts between each two cuts by themselves; nil
// where one cannot be parsed.
func parseParts(tokens token.Tokens, cuts []int) *ast.File {
	last := cuts[len(cuts)-1]
	file, err := parser.Parse(slices.Concat(tokens[:cuts[1]], tokens[last:]), 0)
	if err != nil {
		return nil
	}
	hosts := hostsOf(file)
	if hosts == nil {
		return nil
	}
	for i := 1; i+1 < len(cuts); i++ {
		part, err := parser.Parse(tokens[cuts[i]:cuts[i+1]], 0)
		if err != nil || len(part.Docs) != 1 {
			return nil
		}
		more, is := part.Docs[0].Body.(*ast.MappingNode)
		if !is {
			return nil
		}
		hosts.Values = append(hosts.Values, more.Values...)
	}
	if anyTwice(hosts) { // the parser says where the first one is
		return nil
	}
	return file
}

func anyTwice(hosts *ast.MappingNode) bool {
	seen := make(map[string]bool, len(hosts.Values))
	for _, v := range hosts.Values {
		name := v.Key.GetToken().Value
		if seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

// cutsOf are the places among the tokens where every so many hosts begin, and where
// the last one ends; none where the file is written in another way than most are.
func cutsOf(tokens token.Tokens) (cuts []int) {
	begun, column, hosts := false, 0, 0
	for i, t := range tokens {
		switch {
		case t.Type == token.InvalidType, t.Type == token.DocumentHeaderType, t.Type == token.DocumentEndType:
			return nil
		case t.Type == token.CommentType || !beginsLine(t):
		case !begun:
			begun = t.Value == "hosts" && t.Position.Column == 1 && t.NextType() == token.MappingValueType
		case column == 0:
			if column = t.Position.Column; column == 1 {
				return nil
			}
			fallthrough
		case t.Position.Column == column:
			if t.NextType() != token.MappingValueType {
				return nil
			}
			if hosts%partSize == 0 {
				cuts = append(cuts, i)
			}
			hosts++
		case t.Position.Column < column:
			return append(cuts, i)
		}
	}
	return append(cuts, len(tokens))
}

func beginsLine(t *token.Token) bool {
	return t.Prev == nil || t.Prev.Position.Line < t.Position.Line
}

// hostsOf is what stands below hosts: in the file.
func hostsOf(file *ast.File) *ast.MappingNode {
	if len(file.Docs) != 1 {
		return nil
	}
	top, is := file.Docs[0].Body.(ast.MapNode)
	if !is {
		return nil
	}
	for iter := top.MapRange(); iter.Next(); {
		if hosts, is := iter.Value().(*ast.MappingNode); is && iter.Key().GetToken().Value == "hosts" {
			return hosts
		}
	}
	return nil
}
